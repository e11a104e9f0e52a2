#include "worker/data/csv/fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/random.h"
#include "tests/seed.h"

namespace cairn::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> texts(const FieldSplitter& splitter) {
  std::vector<std::string> texts;
  for (const features::Cell& field : splitter.fields()) texts.emplace_back(field.text());
  return texts;
}

std::vector<std::string> split_csv(std::string_view line) {
  FieldSplitter splitter(',', true);
  if (!splitter.split(line)) return {"bad: " + std::string(splitter.reason())};
  return texts(splitter);
}

TEST(FieldSplitter, CutsAtSeparatorsAndKeepsEmptyFields) {
  EXPECT_THAT(split_csv("a,,bc,"), ElementsAre("a", "", "bc", ""));
  EXPECT_THAT(split_csv(""), ElementsAre(""));
  EXPECT_THAT(split_csv(","), ElementsAre("", ""));
}

TEST(FieldSplitter, ReadsQuotedFields) {
  EXPECT_THAT(split_csv(R"(1,"a, b",2)"), ElementsAre("1", "a, b", "2"));
  EXPECT_THAT(split_csv(R"("say ""no""","")"), ElementsAre("say \"no\"", ""));
  EXPECT_THAT(split_csv(R"("""","x",)"), ElementsAre("\"", "x", ""));
}

TEST(FieldSplitter, RefusesQuotesThatRfc4180Forbids) {
  EXPECT_THAT(split_csv(R"(1,"never closed)"), ElementsAre(HasSubstr("without its end")));
  EXPECT_THAT(split_csv(R"(closed",2)"), ElementsAre(HasSubstr("not quoted")));
  EXPECT_THAT(split_csv(R"("a"b,2)"), ElementsAre(HasSubstr("after a closing quote")));
}

TEST(FieldSplitter, RefusesZeroBytesAlsoBesideQuotes) {
  using namespace std::string_view_literals;
  EXPECT_THAT(split_csv("a,b\0c"sv), ElementsAre(HasSubstr("zero byte")));
  EXPECT_THAT(split_csv("\"a\",b\0c"sv), ElementsAre(HasSubstr("zero byte")));
}

TEST(FieldSplitter, TakesQuotesOfTsvAsText) {
  FieldSplitter splitter('\t', false);
  ASSERT_TRUE(splitter.split("\"a\tb\"\tc\"d"));
  EXPECT_THAT(texts(splitter), ElementsAre("\"a", "b\"", "c\"d"));
}

// Lines of every length around the stride of 64 bytes, against cutting one character at a time.
TEST(FieldSplitter, AgreesWithCuttingCharacterByCharacter) {
  RandomStream random(test_seed(), 1);
  for (size_t size = 0; size < 300; ++size) {
    std::string line(size, 'x');
    for (char& c : line) c = "ab\t"[random.next_below(3)];
    std::vector<std::string> expected(1);
    for (const char c : line)
      if (c == '\t')
        expected.emplace_back();
      else
        expected.back().push_back(c);
    FieldSplitter splitter('\t', false);
    // On the heap without spare room, so that a sanitizer sees a read past the end.
    const std::vector<char> exact(line.begin(), line.end());
    ASSERT_TRUE(splitter.split({exact.data(), exact.size()}));
    ASSERT_EQ(texts(splitter), expected);
  }
}

}  // namespace
}  // namespace cairn::data
