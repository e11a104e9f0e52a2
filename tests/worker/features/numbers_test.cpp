#include "worker/features/numbers.h"

#include <gtest/gtest.h>

#include <ctime>
#include <string>

#include "common/random.h"
#include "tests/seed.h"

namespace cairn::features {
namespace {

TEST(ParseNumber, ReadsWhatANumberIs) {
  EXPECT_EQ(parse_number("12"), 12.0);
  EXPECT_EQ(parse_number("-0.5"), -0.5);
  EXPECT_EQ(parse_number("+3"), 3.0);
  EXPECT_EQ(parse_number(" 1e3 "), 1000.0);
  EXPECT_EQ(parse_number("1234567890123456789"), 1234567890123456789.0);
}

TEST(ParseNumber, RefusesWhatIsNone) {
  for (const char* text : {"", " ", "abc", "1x", "1 2", "nan", "NaN", "inf", "-inf", "infinity",
                           "1e39", "1e999", "0x10", "+-1", "1,5", "--1"})
    EXPECT_FALSE(parse_number(text)) << text;
}

TEST(ParseInteger, CoversAll64BitsAndNothingElse) {
  EXPECT_EQ(parse_id("18446744073709551615"), ~uint64_t{0});
  EXPECT_EQ(parse_id("-1"), ~uint64_t{0});
  EXPECT_EQ(parse_id("-9223372036854775808"), uint64_t{1} << 63);
  for (const char* text : {"", "1.0", "18446744073709551616", "-9223372036854775809", "a", "1e3"})
    EXPECT_FALSE(parse_id(text)) << text;
}

TEST(TimeParts, AgreeWithTheCalendar) {
  RandomStream random(test_seed(), 2);
  for (int i = 0; i < 1000; ++i) {
    const int64_t seconds = static_cast<int64_t>(random.next_below(8'000'000'000)) - 4'000'000'000;
    const std::time_t time = seconds;
    std::tm utc{};
    gmtime_r(&time, &utc);
    ASSERT_EQ(hour_of_day(seconds), static_cast<uint32_t>(utc.tm_hour)) << seconds;
    ASSERT_EQ(day_of_week(seconds), static_cast<uint32_t>((utc.tm_wday + 6) % 7)) << seconds;
  }
}

}  // namespace
}  // namespace cairn::features
