#include "worker/data/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/data/data_folder.h"
#include "tests/worker/data/jobs.h"
#include "worker/data/columns.h"

namespace cairn::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class DatasetTest : public testing::Test {
 protected:
  // Column "id" as integers, "y" as label.
  JobConfig job(std::string_view text) {
    return csv_job({folder_.write("in.csv", text)}, {feature("id", {Transform::kInteger})});
  }
  std::vector<Key> ids(const JobConfig& job, uint64_t expected_bad_samples = 0) {
    const features::Batch batch = read_all(job);
    EXPECT_EQ(batch.bad_samples, expected_bad_samples);
    std::vector<Key> keys;
    for (uint32_t r = 0; r < batch.samples; ++r)
      for (const Key key : keys_of(batch, 0, 0, r)) keys.push_back(key);
    return keys;
  }
  std::string refusal(const JobConfig& job) {
    const auto dataset = Dataset::open(job, Split::kTrain);
    return dataset.ok() ? "none" : dataset.error().message;
  }

  DataFolder folder_;
};

TEST_F(DatasetTest, ReadsColumnsByNameWhereverTheyStand) {
  EXPECT_THAT(ids(job("other,id,y\na,1,0\nb,2,1\n")), ElementsAre(1, 2));
  EXPECT_THAT(ids(job("y,\"id\"\n0,3\n")), ElementsAre(3));
}

TEST_F(DatasetTest, ToleratesCrLfByteOrderMarksEmptyLinesAndAMissingLastLineEnd) {
  EXPECT_THAT(ids(job("\xef\xbb\xbfid,y\r\n1,0\r\n\r\n2,1\r\n\n3,1")), ElementsAre(1, 2, 3));
}

TEST_F(DatasetTest, SampleIdsAreByteOffsetsInTheConcatenationOfFiles) {
  JobConfig config = job("id,y\n1,0\n");
  config.data.eval.push_back(folder_.write("second.csv", "y,id\n1,7\n"));
  EXPECT_THAT(ids(config), ElementsAre(1, 7));
  EXPECT_THAT(read_all(config).sample_ids, ElementsAre(5, 14));
}

TEST_F(DatasetTest, AQuotedLineBreakMakesBadSamples) {
  EXPECT_THAT(ids(job("t,id,y\n\"a\nb,9\",1,0\n\"a, b\",2,1\n"), 2), ElementsAre(2));
}

TEST_F(DatasetTest, BadSamplesAreCountedAndSkipped) {
  EXPECT_THAT(ids(job("id,y\n1,0\n2\n3,0,0\nx,1\n4,2\n5,\n6,nan\n7,1\n"), 6), ElementsAre(1, 7));
}

TEST_F(DatasetTest, StopsPastTheBadSamplesAllowedNamingTheLine) {
  JobConfig config = job("id,y\n1,0\nx,1\ny,1\n");
  config.data.max_bad_samples = 1;
  const auto dataset = open_or_fail(config, Split::kEval);
  const auto source = start_or_fail(*dataset, {.batch_size = 100});
  const Result<features::Batch> batch = source->next();
  ASSERT_FALSE(batch.ok());
  EXPECT_EQ(batch.error().code, ErrorCode::kBadData);
  EXPECT_THAT(batch.error().message, HasSubstr("more than 1 bad samples"));
  EXPECT_THAT(batch.error().message, HasSubstr("in.csv:4: column 'id': 'y' is not a whole number"));
}

TEST_F(DatasetTest, BinaryGarbageIsBadSamples) {
  std::string text = "id,y\n1,0\n";
  for (int i = 0; i < 3000; ++i) text.push_back(static_cast<char>(i * 7919 >> 3));
  JobConfig config = job(text + "\n2,1\n");
  config.data.max_bad_samples = 1000;
  const features::Batch batch = read_all(config);
  EXPECT_EQ(batch.samples, 2u);
  EXPECT_GT(batch.bad_samples, 0u);
}

TEST_F(DatasetTest, NamedColumnsServeFilesWithoutHeader) {
  JobConfig config = job("1,0\n2,1\n");
  config.data.header = false;
  config.data.columns = {"id", "y"};
  EXPECT_THAT(ids(config), ElementsAre(1, 2));
}

TEST_F(DatasetTest, TsvSeparatesByTabs) {
  JobConfig config = job("id\ttext\ty\n1\t\"a, b\t0\n");
  config.data.format = DataFormat::kTsv;
  EXPECT_THAT(ids(config), ElementsAre(1));
}

TEST_F(DatasetTest, ReadsTheCriteoLayout) {
  std::string line = "1";
  for (int i = 1; i <= 13; ++i) line += i == 2 ? "\t" : "\t" + std::to_string(i);
  for (int i = 1; i <= 26; ++i) line += i == 3 ? "\t" : "\tcafe" + std::to_string(i);
  JobConfig config =
      csv_job({folder_.write("c.tsv", line + "\n" + line.substr(2) + "\n")},
              {feature("I1"), feature("I2", {Transform::kLog1p}), feature("C3", {Transform::kHash}),
               feature("C26", {Transform::kHash})});
  config.data.format = DataFormat::kCriteo;
  config.model.tasks[0].column = "label";
  const features::Batch batch = read_all(config);
  EXPECT_EQ(batch.bad_samples, 1u);
  ASSERT_EQ(batch.samples, 1u);
  EXPECT_THAT(batch.labels, ElementsAre(1.0f));
  EXPECT_THAT(batch.dense, ElementsAre(1.0f, 0.0f));
  EXPECT_THAT(keys_of(batch, 0, 0, 0), ElementsAre(hash_string("")));
  EXPECT_THAT(keys_of(batch, 1, 1, 0), ElementsAre(hash_string("cafe26")));
}

TEST_F(DatasetTest, FeaturesThatShareATableShareItsUniqueAscendingKeys) {
  JobConfig config = job("id,other,y\n5,3,0\n1,5,1\n");
  config.features.push_back(feature("other", {Transform::kInteger}));
  config.features[1].table = "id";
  const features::Batch batch = read_all(config);
  ASSERT_EQ(batch.keys.size(), 1u);
  EXPECT_THAT(batch.keys[0], ElementsAre(1, 3, 5));
  EXPECT_THAT(batch.bags[0].index, ElementsAre(2, 0));
  EXPECT_THAT(batch.bags[1].index, ElementsAre(1, 2));
}

TEST_F(DatasetTest, PredictionNeedsNoLabels) {
  const JobConfig config = job("id\n1\n2\n");
  EXPECT_THAT(refusal(config), HasSubstr("has no column 'y'"));
  const auto dataset = open_or_fail(config, Split::kPredict);
  ASSERT_TRUE(dataset);
  const features::Batch batch = next_or_fail(*start_or_fail(*dataset, {.batch_size = 100}));
  EXPECT_EQ(batch.samples, 2u);
  EXPECT_TRUE(batch.labels.empty());
}

TEST_F(DatasetTest, AMissingColumnIsNamedWithItsNearest) {
  const std::string message = refusal(job("ids,y\n1,0\n"));
  EXPECT_THAT(message, HasSubstr("in.csv: has no column 'id'; is 'ids' meant?"));
  EXPECT_THAT(refusal(job("id,id,y\n1,1,0\n")), HasSubstr("has two columns 'id'"));
}

TEST_F(DatasetTest, InputWithoutSamplesIsRefused) {
  EXPECT_THAT(refusal(job("id,y\n")), HasSubstr("in.csv: has no samples"));
  EXPECT_THAT(refusal(job("id,y\n\n\r\n")), HasSubstr("in.csv: has no samples"));
  EXPECT_THAT(refusal(job("")), HasSubstr("in.csv: is empty"));
}

TEST_F(DatasetTest, ImpossibleStartsAreRefused) {
  const auto dataset = open_or_fail(job("id,y\n1,0\n"));
  EXPECT_FALSE(dataset->start({.batch_size = 3}, {}).ok());
  EXPECT_FALSE(dataset->start({.workers = 5, .batch_size = 100}, {}).ok());
  JobConfig standardized = job("id,y\n1,0\n");
  standardized.features = {feature("id", {Transform::kStandardize})};
  const auto other = open_or_fail(standardized);
  EXPECT_FALSE(other->start({.batch_size = 100}, {}).ok());
}

TEST_F(DatasetTest, EndsWithEmptyBatchesForever) {
  const auto dataset = open_or_fail(job("id,y\n1,0\n"));
  const auto source = start_or_fail(*dataset, {.batch_size = 100});
  EXPECT_EQ(next_or_fail(*source).samples, 1u);
  for (int i = 0; i < 3; ++i) {
    const features::Batch batch = next_or_fail(*source);
    EXPECT_EQ(batch.samples, 0u);
    EXPECT_THAT(batch.bags[0].offsets, ElementsAre(0));
    EXPECT_TRUE(batch.keys[0].empty());
  }
}

}  // namespace
}  // namespace cairn::data
