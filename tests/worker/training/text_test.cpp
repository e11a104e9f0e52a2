#include "worker/training/text.h"

#include <gtest/gtest.h>

#include <limits>

namespace cairn::training {
namespace {

TEST(Text, NumbersHaveCommasEveryThreeDigits) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1000), "1,000");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
  EXPECT_EQ(with_commas(std::numeric_limits<uint64_t>::max()), "18,446,744,073,709,551,615");
}

TEST(Text, DurationsAreClockTimes) {
  EXPECT_EQ(duration_text(0.4), "0:00");
  EXPECT_EQ(duration_text(59.6), "1:00");
  EXPECT_EQ(duration_text(725), "12:05");
  EXPECT_EQ(duration_text(3 * 3600 + 7 * 60 + 9), "3:07:09");
}

TEST(Text, DurationThatNobodyKnowsIsAQuestionMark) {
  EXPECT_EQ(duration_text(std::numeric_limits<double>::infinity()), "?");
  EXPECT_EQ(duration_text(std::numeric_limits<double>::quiet_NaN()), "?");
  EXPECT_EQ(duration_text(-1), "?");
}

}  // namespace
}  // namespace cairn::training
