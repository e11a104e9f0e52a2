#include "worker/data/text/text_input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/data/data_folder.h"

namespace cairn::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const auto without_header = [](TextFile&) -> Status { return Ok{}; };

TEST(TextInputBlocks, SmallInputReachesEveryReaderAndNoBlockIsAbove4MiB) {
  EXPECT_EQ(nominal_blocks(10, 16), 64u * 16);
  EXPECT_EQ(nominal_blocks(uint64_t{4} << 30, 16), 64u * 16);  // 4 MiB each
  EXPECT_EQ(nominal_blocks((uint64_t{4} << 30) + 1, 16), 65u * 16);
  EXPECT_EQ(nominal_blocks(uint64_t{1} << 40, 16), uint64_t{1} << 18);
}

TEST(TextInputBlocks, AreTheLinesOfTheFilesInOrder) {
  const DataFolder folder;
  const std::string a = folder.write("a", "one\ntwo\n\nthree\r\n"), b = folder.write("b", "four");
  const Result<TextInput> opened =
      TextInput::open({a, b}, folder / "cache", /*readers=*/2, without_header);
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  const TextInput& input = opened.value();
  std::vector<Line> lines;
  for (const Block& block : input.blocks()) append_lines(input.files()[block.file], block, lines);
  std::vector<std::string_view> texts;
  for (const Line& line : lines)
    texts.push_back(input.files()[line.file].data().substr(line.offset, line.bytes));
  EXPECT_THAT(texts, ElementsAre("one", "two", "three", "four"));
  EXPECT_EQ(input.lines_estimate(), 4u);
  EXPECT_THAT(input.order_words(), ElementsAre(16, 0, 4, 0));
}

TEST(TextInputPlaces, NameFileAndLineOfASample) {
  const DataFolder folder;
  const std::string a = folder.write("a", "one\ntwo\n"), b = folder.write("b", "three\nfour\n");
  const Result<TextInput> input = TextInput::open({a, b}, folder / "cache", 2, without_header);
  ASSERT_TRUE(input.ok());
  EXPECT_EQ(input.value().place_of(0), a + ":1");
  EXPECT_EQ(input.value().place_of(4), a + ":2");
  EXPECT_EQ(input.value().place_of(8), b + ":1");
  EXPECT_EQ(input.value().place_of(14), b + ":2");
  EXPECT_EQ(input.value().name(), a + ", " + b);
}

TEST(TextInputHeaders, AreLeftOutAndTheirErrorsPassedOn) {
  const DataFolder folder;
  const std::string a = folder.write("a", "names\none\n");
  const Result<TextInput> input =
      TextInput::open({a}, folder / "cache", 2, [](TextFile& file) -> Status {
        size_t bytes = 0;
        EXPECT_EQ(first_line(file.data(), bytes), "names");
        file.body = bytes;
        return Ok{};
      });
  ASSERT_TRUE(input.ok());
  EXPECT_EQ(input.value().lines_estimate(), 1u);
  const Result<TextInput> refused =
      TextInput::open({a}, folder / "cache", 2, [](TextFile& file) -> Status {
        return Error{ErrorCode::kBadData, file.name + ": no"};
      });
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("a: no"));
}

}  // namespace
}  // namespace cairn::data
