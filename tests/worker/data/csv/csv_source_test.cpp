// The promises of worker/data/source.h, shown on CSV.
#include "worker/data/csv/csv_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "tests/worker/data/data_folder.h"

namespace cairn::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CsvSourceTest : public testing::Test {
 protected:
  std::unique_ptr<Source> open(const std::vector<std::string>& paths) {
    Result<std::unique_ptr<Source>> source = open_source({.data = data_,
                                                          .paths = paths,
                                                          .cache = folder_ / "cache",
                                                          .columns = columns_,
                                                          .readers = 2});
    if (!source.ok()) ADD_FAILURE() << source.error().message;
    return source.ok() ? std::move(source).value() : nullptr;
  }
  // All blocks by one reader, in the order of the input or shuffled.
  static OwnBlocks all_blocks(const Source& source, bool shuffle = false) {
    OwnBlocks own{.reader = 0, .order = {.shuffle = shuffle, .seed = 3}, .blocks = {}};
    own.blocks.resize(source.blocks());
    std::iota(own.blocks.begin(), own.blocks.end(), 0u);
    return own;
  }
  // The next sample: the texts of its wanted columns, or why it is bad; empty at the end.
  static std::vector<std::string> next(RecordStream& stream, features::Record& record) {
    const Result<RecordStream::Read> read = stream.next(record);
    if (!read.ok()) return {"error: " + read.error().message};
    if (read.value() == RecordStream::Read::kEnd) return {};
    if (read.value() == RecordStream::Read::kBad) return {"bad: " + stream.reason()};
    std::vector<std::string> texts;
    for (uint32_t i = 0; i < record.places.size(); ++i) texts.emplace_back(record[i].text());
    return texts;
  }

  DataFolder folder_;
  DataConfig data_;
  std::vector<std::string> columns_ = {"x", "y"};
};

TEST_F(CsvSourceTest, GivesTheWantedColumnsInTheirOrderWhateverAFileHas) {
  const auto source = open(
      {folder_.write("a.csv", "y,other,x\n1,,2\n"), folder_.write("b.csv", "x,y\n\"3,3\",4\n")});
  ASSERT_TRUE(source);
  const auto stream = source->read(all_blocks(*source));
  features::Record record;
  EXPECT_THAT(next(*stream, record), ElementsAre("2", "1"));
  EXPECT_EQ(record.sample_id, 10u);
  EXPECT_THAT(next(*stream, record), ElementsAre("3,3", "4"));
  EXPECT_EQ(record.sample_id, 19u);
  EXPECT_THAT(source->place_of(record.sample_id), HasSubstr("b.csv:2"));
  for (int i = 0; i < 2; ++i) EXPECT_THAT(next(*stream, record), ElementsAre());
}

TEST_F(CsvSourceTest, TellsWhyALineIsNoRecordAndWhereAndGoesOn) {
  const auto source = open({folder_.write("a.csv", "x,y\n1\n1,\"2\n1,2\n")});
  ASSERT_TRUE(source);
  const auto stream = source->read(all_blocks(*source));
  features::Record record;
  EXPECT_THAT(next(*stream, record), ElementsAre("bad: has 1 fields, want 2"));
  EXPECT_THAT(source->place_of(record.sample_id), HasSubstr("a.csv:2"));
  EXPECT_THAT(next(*stream, record),
              ElementsAre("bad: the line has a quoted field without its end"));
  EXPECT_THAT(source->place_of(record.sample_id), HasSubstr("a.csv:3"));
  EXPECT_THAT(next(*stream, record), ElementsAre("1", "2"));
}

TEST_F(CsvSourceTest, EveryPositionResumesWithTheSampleBehindIt) {
  std::string text = "x,y\n";
  for (int i = 0; i < 600; ++i) text += std::to_string(i) + (i % 7 == 0 ? "\n" : ",1\n");
  const auto source = open({folder_.write("a.csv", text)});
  ASSERT_TRUE(source);
  const auto stream = source->read(all_blocks(*source, /*shuffle=*/true));
  EXPECT_EQ(stream->position(), features::ReaderPosition{});
  features::Record record, again;
  std::vector<std::string> expected;
  do {
    const features::ReaderPosition position = stream->position();
    expected = next(*stream, record);
    const auto resumed = source->read(all_blocks(*source, /*shuffle=*/true));
    ASSERT_TRUE(resumed->seek(position));
    ASSERT_EQ(next(*resumed, again), expected);
    ASSERT_EQ(again.sample_id, record.sample_id);
  } while (!expected.empty());
  EXPECT_FALSE(stream->seek({100'000, 0}));
}

TEST_F(CsvSourceTest, CriteoIsTabSeparatedWithNamedColumnsAndNoHeader) {
  data_.format = DataFormat::kCriteo;
  columns_ = {"C26", "label"};
  std::string line = "1";
  for (int i = 0; i < 39; ++i) line += "\tv" + std::to_string(i);
  const auto source = open({folder_.write("a.tsv", line + "\n")});
  ASSERT_TRUE(source);
  features::Record record;
  EXPECT_THAT(next(*source->read(all_blocks(*source)), record), ElementsAre("v38", "1"));
}

TEST_F(CsvSourceTest, NothingToReadIsRefused) {
  const auto source = open_source(
      {.data = data_, .paths = {}, .cache = folder_ / "cache", .columns = columns_, .readers = 2});
  ASSERT_FALSE(source.ok());
  EXPECT_EQ(source.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(open({folder_.write("a.csv", "x,y\n")})->samples_estimate(), 0u);
}

}  // namespace
}  // namespace cairn::data
