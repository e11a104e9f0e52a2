// The order of samples: docs/consistency.md, "Order of samples".
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "common/hash.h"
#include "common/random.h"
#include "common/stream_hash.h"
#include "tests/seed.h"
#include "tests/worker/data/data_folder.h"
#include "tests/worker/data/jobs.h"

namespace cairn::data {
namespace {

using SampleIds = std::vector<uint64_t>;

class OrderTest : public testing::Test {
 protected:
  OrderTest() {
    RandomStream random(test_seed(), 6);
    std::string text = "y,x\n";
    for (uint64_t i = 0; i < kSamples; ++i) {
      sample_starts_.push_back(text.size());
      text += "1," + std::string(1 + random.next_below(20), 'x') + std::to_string(i) + "\n";
    }
    // Two files: blocks end where a file does, sample ids go on.
    const size_t cut = sample_starts_[kSamples / 3];
    job_ = csv_job({folder_.write("a.csv", text.substr(0, cut)),
                    folder_.write("b.csv", "y,x\n" + text.substr(cut))},
                   {feature("x", {Transform::kHash})});
    for (size_t i = kSamples / 3; i < kSamples; ++i) sample_starts_[i] += 4;
    job_.data.readers = kReaders;
    job_.train.seed = test_seed();
  }

  std::vector<std::unique_ptr<BatchSource>> start(
      const Dataset& dataset, uint32_t workers, uint64_t epoch = 0,
      const std::vector<features::ReaderPosition>& positions = {}) {
    std::vector<std::unique_ptr<BatchSource>> sources;
    for (uint32_t w = 0; w < workers; ++w)
      sources.push_back(start_or_fail(dataset, {.epoch = epoch,
                                                .worker = w,
                                                .workers = workers,
                                                .batch_size = kBatch,
                                                .positions = positions}));
    return sources;
  }

  // The next global batch: all workers' parts after each other.
  static SampleIds next(std::vector<std::unique_ptr<BatchSource>>& sources,
                        std::vector<features::ReaderPosition>* positions = nullptr) {
    SampleIds ids;
    if (positions) positions->clear();
    for (auto& source : sources) {
      const features::Batch batch = next_or_fail(*source);
      EXPECT_EQ(batch.samples, batch.sample_ids.size());
      ids.insert(ids.end(), batch.sample_ids.begin(), batch.sample_ids.end());
      if (positions)
        positions->insert(positions->end(), batch.positions.begin(), batch.positions.end());
    }
    return ids;
  }

  std::vector<SampleIds> batches(const JobConfig& job, uint32_t workers, uint64_t epoch = 0,
                                 Split split = Split::kTrain) {
    const auto dataset = open_or_fail(job, split);
    auto sources = start(*dataset, workers, epoch);
    std::vector<SampleIds> all;
    for (SampleIds ids = next(sources); !ids.empty(); ids = next(sources))
      all.push_back(std::move(ids));
    return all;
  }

  static SampleIds joined(const std::vector<SampleIds>& parts) {
    SampleIds all;
    for (const SampleIds& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
  }

  static constexpr uint64_t kSamples = 5000, kBatch = 150;
  static constexpr uint32_t kReaders = 8;
  DataFolder folder_;
  SampleIds sample_starts_;
  JobConfig job_;
};

TEST_F(OrderTest, BatchesHoldTheSameSamplesInTheSameOrderForEveryNumberOfWorkers) {
  const std::vector<SampleIds> expected = batches(job_, 1);
  ASSERT_GE(expected.size(), 20u);
  for (const uint32_t workers : {2u, 3u, 4u, kReaders})
    EXPECT_EQ(batches(job_, workers), expected) << workers;
}

TEST_F(OrderTest, EverySampleComesOncePerEpoch) {
  const std::vector<SampleIds> epoch = batches(job_, 2);
  for (size_t t = 0; t + 1 < epoch.size(); ++t) EXPECT_LE(epoch[t].size(), kBatch);
  EXPECT_EQ(epoch[0].size(), kBatch);
  SampleIds ids = joined(epoch);
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(ids, sample_starts_);
}

TEST_F(OrderTest, ReadersEndWithinAFewStepsOfEachOther) {
  const std::vector<SampleIds> epoch = batches(job_, 1);
  EXPECT_LE(epoch.size(), kSamples / kBatch * 5 / 4);
}

// Cursors of checkpoints that older versions wrote mean samples in this order.
TEST(OrderOfOldCheckpoints, StaysTheSameForEver) {
  const DataFolder folder;
  std::string text = "y,x\n";
  for (int i = 0; i < 3000; ++i) text += "1," + std::string(1 + i * i % 17, 'x') + "\n";
  JobConfig job = csv_job({folder.write("a.csv", text), folder.write("b.csv", text)},
                          {feature("x", {Transform::kHash})});
  job.train.seed = 7;
  const auto dataset = open_or_fail(job);
  ASSERT_TRUE(dataset);
  EXPECT_EQ(dataset->order_fingerprint(), "66aa50e8f277a89ae92bd1f55b21fab4");
  const auto source = start_or_fail(*dataset, {.epoch = 2, .batch_size = 100});
  std::vector<uint64_t> words;
  for (features::Batch batch = next_or_fail(*source); batch.samples > 0;
       batch = next_or_fail(*source)) {
    words.insert(words.end(), batch.sample_ids.begin(), batch.sample_ids.end());
    for (const auto& [group, line] : batch.positions) words.push_back(uint64_t{group} << 32 | line);
  }
  EXPECT_EQ(to_hex(hash_bytes(words.data(), words.size() * sizeof(uint64_t), 0)),
            "77ef2461135e752dddf5175e59f3f947");
}

TEST_F(OrderTest, OtherEpochsAndSeedsHaveOtherOrdersAndTheSameOneTheSame) {
  const SampleIds first = joined(batches(job_, 1));
  EXPECT_EQ(joined(batches(job_, 1)), first);
  EXPECT_NE(joined(batches(job_, 1, 1)), first);
  JobConfig other = job_;
  other.train.seed += 1;
  EXPECT_NE(joined(batches(other, 1)), first);
}

TEST_F(OrderTest, ShufflingTakesSamplesFarFromWhereTheyWere) {
  const SampleIds ids = joined(batches(job_, 1));
  double rank_distance = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto place = std::lower_bound(sample_starts_.begin(), sample_starts_.end(), ids[i]);
    rank_distance +=
        std::abs(static_cast<double>(place - sample_starts_.begin()) - static_cast<double>(i));
  }
  // A uniform permutation has a third of n.
  EXPECT_NEAR(rank_distance / kSamples, kSamples / 3.0, kSamples / 10.0);
}

TEST_F(OrderTest, ResumesFromEveryPositionOnAnotherNumberOfWorkers) {
  const auto dataset = open_or_fail(job_);
  const std::vector<SampleIds> expected = batches(job_, 2, 3);
  auto running = start(*dataset, 2, 3);
  for (size_t t = 0; t < expected.size(); ++t) {
    std::vector<features::ReaderPosition> positions;
    ASSERT_EQ(next(running, &positions), expected[t]);
    auto resumed = start(*dataset, t % 2 == 0 ? 1 : 4, 3, positions);
    const size_t last = std::min(expected.size(), t + 3);
    for (size_t u = t + 1; u < last; ++u) ASSERT_EQ(next(resumed), expected[u]) << t;
  }
}

TEST_F(OrderTest, PositionsOfAnotherInputAreRefused) {
  const auto dataset = open_or_fail(job_);
  std::vector<features::ReaderPosition> positions(kReaders);
  positions[3] = {1000, 0};
  EXPECT_FALSE(dataset->start({.batch_size = kBatch, .positions = positions}, {}).ok());
  positions[3] = {0, 100'000};
  EXPECT_FALSE(dataset->start({.batch_size = kBatch, .positions = positions}, {}).ok());
  positions.pop_back();
  EXPECT_FALSE(dataset->start({.batch_size = kBatch, .positions = positions}, {}).ok());
}

TEST_F(OrderTest, EvaluationReadersAfterEachOtherAreTheFileInOrder) {
  const auto dataset = open_or_fail(job_, Split::kEval);
  SampleIds ids;
  for (uint32_t v = 0; v < kReaders; ++v) {
    const auto source =
        start_or_fail(*dataset, {.worker = v, .workers = kReaders, .batch_size = kBatch});
    for (features::Batch batch = next_or_fail(*source); batch.samples > 0;
         batch = next_or_fail(*source))
      ids.insert(ids.end(), batch.sample_ids.begin(), batch.sample_ids.end());
  }
  EXPECT_EQ(ids, sample_starts_);
  JobConfig unshuffled = job_;
  unshuffled.data.shuffle = false;
  EXPECT_EQ(batches(unshuffled, 2), batches(job_, 4, 7, Split::kEval));
}

TEST_F(OrderTest, ABadSampleIsReplacedByTheNextOneOfItsReader) {
  std::string text = "y,x\n";
  for (int i = 0; i < 400; ++i) text += i % 5 == 2 ? "bad\n" : "1,x" + std::to_string(i) + "\n";
  job_.data.train = {folder_.write("bad.csv", text)};
  const std::vector<SampleIds> expected = batches(job_, 1);
  EXPECT_EQ(expected[0].size(), kBatch);
  EXPECT_EQ(batches(job_, 4), expected);
  EXPECT_EQ(joined(expected).size(), 320u);
}

TEST(ReaderShares, AreAsEqualAsIntegersAllowAndSumToTheBatch) {
  for (const uint64_t batch : {16ull, 17ull, 100ull, 4096ull}) {
    uint64_t sum = 0;
    for (uint32_t v = 0; v < 16; ++v) {
      EXPECT_GE(share_of(v, 16, batch), batch / 16);
      EXPECT_LE(share_of(v, 16, batch), batch / 16 + 1);
      sum += share_of(v, 16, batch);
    }
    EXPECT_EQ(sum, batch);
  }
}

}  // namespace
}  // namespace cairn::data
