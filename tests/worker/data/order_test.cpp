// Which rows come when: the promises of DESIGN's "one step", point 1.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "common/random.h"
#include "tests/seed.h"
#include "tests/worker/data/data_folder.h"
#include "tests/worker/data/jobs.h"

namespace cairn {
namespace {

using RowIds = std::vector<uint64_t>;

class OrderTest : public testing::Test {
 protected:
  OrderTest() {
    RandomStream random(test_seed(), 6);
    std::string text = "y,x\n";
    for (uint64_t i = 0; i < kRows; ++i) {
      row_starts_.push_back(text.size());
      text += "1," + std::string(1 + random.next_below(20), 'x') + std::to_string(i) + "\n";
    }
    // Two files: blocks end where a file does, row ids go on.
    const size_t cut = row_starts_[kRows / 3];
    job_ = csv_job({folder_.write("a.csv", text.substr(0, cut)),
                    folder_.write("b.csv", "y,x\n" + text.substr(cut))},
                   {feature("x", {Transform::kHash})});
    for (size_t i = kRows / 3; i < kRows; ++i) row_starts_[i] += 4;
    job_.data.readers = kReaders;
    job_.train.seed = test_seed();
  }

  std::vector<std::unique_ptr<BatchSource>> start(
      const Dataset& dataset, uint32_t workers, uint64_t epoch = 0,
      const std::vector<ReaderPosition>& positions = {}) {
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
  static RowIds next(std::vector<std::unique_ptr<BatchSource>>& sources,
                     std::vector<ReaderPosition>* positions = nullptr) {
    RowIds ids;
    if (positions) positions->clear();
    for (auto& source : sources) {
      const Batch batch = next_or_fail(*source);
      EXPECT_EQ(batch.samples, batch.sample_ids.size());
      ids.insert(ids.end(), batch.sample_ids.begin(), batch.sample_ids.end());
      if (positions)
        positions->insert(positions->end(), batch.positions.begin(), batch.positions.end());
    }
    return ids;
  }

  std::vector<RowIds> batches(const JobConfig& job, uint32_t workers, uint64_t epoch = 0,
                              Split split = Split::kTrain) {
    const auto dataset = open_or_fail(job, split);
    auto sources = start(*dataset, workers, epoch);
    std::vector<RowIds> all;
    for (RowIds ids = next(sources); !ids.empty(); ids = next(sources))
      all.push_back(std::move(ids));
    return all;
  }

  static RowIds joined(const std::vector<RowIds>& parts) {
    RowIds all;
    for (const RowIds& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
  }

  static constexpr uint64_t kRows = 5000, kBatch = 150;
  static constexpr uint32_t kReaders = 8;
  DataFolder folder_;
  RowIds row_starts_;
  JobConfig job_;
};

TEST_F(OrderTest, BatchesHoldTheSameRowsInTheSameOrderForEveryNumberOfWorkers) {
  const std::vector<RowIds> expected = batches(job_, 1);
  ASSERT_GE(expected.size(), 20u);
  for (const uint32_t workers : {2u, 3u, 4u, kReaders})
    EXPECT_EQ(batches(job_, workers), expected) << workers;
}

TEST_F(OrderTest, EveryRowComesOnceAnEpoch) {
  const std::vector<RowIds> epoch = batches(job_, 2);
  for (size_t t = 0; t + 1 < epoch.size(); ++t) EXPECT_LE(epoch[t].size(), kBatch);
  EXPECT_EQ(epoch[0].size(), kBatch);
  RowIds ids = joined(epoch);
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(ids, row_starts_);
}

TEST_F(OrderTest, ReadersEndWithinAFewStepsOfEachOther) {
  const std::vector<RowIds> epoch = batches(job_, 1);
  EXPECT_LE(epoch.size(), kRows / kBatch * 5 / 4);
}

TEST_F(OrderTest, OtherEpochsAndSeedsHaveOtherOrdersAndTheSameOneTheSame) {
  const RowIds first = joined(batches(job_, 1));
  EXPECT_EQ(joined(batches(job_, 1)), first);
  EXPECT_NE(joined(batches(job_, 1, 1)), first);
  JobConfig other = job_;
  other.train.seed += 1;
  EXPECT_NE(joined(batches(other, 1)), first);
}

TEST_F(OrderTest, ShufflingTakesRowsFarFromWhereTheyWere) {
  const RowIds ids = joined(batches(job_, 1));
  double rank_distance = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto place = std::lower_bound(row_starts_.begin(), row_starts_.end(), ids[i]);
    rank_distance +=
        std::abs(static_cast<double>(place - row_starts_.begin()) - static_cast<double>(i));
  }
  // A uniform permutation has a third of n.
  EXPECT_NEAR(rank_distance / kRows, kRows / 3.0, kRows / 10.0);
}

TEST_F(OrderTest, ResumesFromEveryPositionOnAnotherNumberOfWorkers) {
  const auto dataset = open_or_fail(job_);
  const std::vector<RowIds> expected = batches(job_, 2, 3);
  auto running = start(*dataset, 2, 3);
  for (size_t t = 0; t < expected.size(); ++t) {
    std::vector<ReaderPosition> positions;
    ASSERT_EQ(next(running, &positions), expected[t]);
    auto resumed = start(*dataset, t % 2 == 0 ? 1 : 4, 3, positions);
    const size_t last = std::min(expected.size(), t + 3);
    for (size_t u = t + 1; u < last; ++u) ASSERT_EQ(next(resumed), expected[u]) << t;
  }
}

TEST_F(OrderTest, PositionsOfAnotherInputAreRefused) {
  const auto dataset = open_or_fail(job_);
  std::vector<ReaderPosition> positions(kReaders);
  positions[3] = {1000, 0};
  EXPECT_FALSE(dataset->start({.batch_size = kBatch, .positions = positions}, {}).ok());
  positions[3] = {0, 100'000};
  EXPECT_FALSE(dataset->start({.batch_size = kBatch, .positions = positions}, {}).ok());
  positions.pop_back();
  EXPECT_FALSE(dataset->start({.batch_size = kBatch, .positions = positions}, {}).ok());
}

TEST_F(OrderTest, EvaluationReadersAfterEachOtherAreTheFileInOrder) {
  const auto dataset = open_or_fail(job_, Split::kEval);
  RowIds ids;
  for (uint32_t v = 0; v < kReaders; ++v) {
    const auto source =
        start_or_fail(*dataset, {.worker = v, .workers = kReaders, .batch_size = kBatch});
    for (Batch batch = next_or_fail(*source); batch.samples > 0; batch = next_or_fail(*source))
      ids.insert(ids.end(), batch.sample_ids.begin(), batch.sample_ids.end());
  }
  EXPECT_EQ(ids, row_starts_);
  JobConfig unshuffled = job_;
  unshuffled.data.shuffle = false;
  EXPECT_EQ(batches(unshuffled, 2), batches(job_, 4, 7, Split::kEval));
}

TEST_F(OrderTest, ABadRowIsReplacedByTheNextOneOfItsReader) {
  std::string text = "y,x\n";
  for (int i = 0; i < 400; ++i) text += i % 5 == 2 ? "bad\n" : "1,x" + std::to_string(i) + "\n";
  job_.data.train = {folder_.write("bad.csv", text)};
  const std::vector<RowIds> expected = batches(job_, 1);
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

TEST(Blocks, AreLineAlignedAndSmallInputReachesEveryReader) {
  EXPECT_EQ(nominal_blocks(10, 16), 64u * 16);
  EXPECT_EQ(nominal_blocks(uint64_t{4} << 30, 16), 64u * 16);  // 4 MiB each
  EXPECT_EQ(nominal_blocks((uint64_t{4} << 30) + 1, 16), 65u * 16);
  EXPECT_EQ(nominal_blocks(uint64_t{1} << 40, 16), uint64_t{1} << 18);
}

}  // namespace
}  // namespace cairn
