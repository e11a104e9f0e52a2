// Batches and pulls ahead of a step, without shards.
#include "worker/training/lookahead.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <set>

namespace cairn::training {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// Batches of 1, 2, ... samples with as many keys; then the end, or an error.
class Batches final : public data::BatchSource {
 public:
  explicit Batches(uint32_t batches, std::optional<Error> error = {})
      : batches_(batches), error_(std::move(error)) {}
  Result<features::Batch> next() override {
    features::Batch batch;
    batch.keys.resize(1);
    if (read_ == batches_) {
      if (error_) return *error_;
      batch.bad_samples = 9;
      return batch;
    }
    batch.samples = ++read_;
    batch.keys[0].resize(batch.samples);
    return batch;
  }

 private:
  uint32_t batches_, read_ = 0;
  std::optional<Error> error_;
};

struct Pull {
  uint64_t step;
  size_t keys;
  uint32_t flags;
  friend bool operator==(const Pull&, const Pull&) = default;
};
void PrintTo(const Pull& pull, std::ostream* to) {
  *to << "{step " << pull.step << ", " << pull.keys << " keys, flags " << pull.flags << "}";
}

class Pulls final : public PullStarter {
 public:
  Result<uint64_t> start_pull(uint64_t step, std::span<const std::vector<Key>> keys,
                              uint32_t flags) override {
    if (fails) return Error{ErrorCode::kUnavailable, "no shard"};
    started.push_back({step, keys[0].size(), flags});
    waiting.insert(started.size());
    return started.size();
  }
  void abandon_pull(uint64_t id) override { EXPECT_EQ(waiting.erase(id), 1u); }

  bool fails = false;
  std::vector<Pull> started;
  std::set<uint64_t> waiting;
};

class LookaheadTest : public testing::Test {
 protected:
  Lookahead lookahead(size_t prefetch, bool speculative = false) {
    features::Batch empty;
    empty.keys.resize(1);
    return Lookahead({prefetch, speculative}, empty, pulls);
  }
  Pulls pulls;
  const std::vector<features::ReaderPosition> positions = {{3, 4}};
};

TEST_F(LookaheadTest, PullsTheRowsOfAsManyStepsAsPrefetchSays) {
  Lookahead ahead = lookahead(3);
  ahead.start(std::make_unique<Batches>(10));
  ASSERT_TRUE(ahead.fill(1, positions).ok());
  EXPECT_THAT(pulls.started, ElementsAre(Pull{1, 1, 0}, Pull{2, 2, 0}, Pull{3, 3, 0}));
  const BatchAhead first = ahead.take();
  EXPECT_EQ(first.batch.samples, 1u);
  EXPECT_EQ(first.pull, 1u);
  ASSERT_TRUE(ahead.fill(2, positions).ok());
  EXPECT_EQ(pulls.started.size(), 4u) << "each batch is pulled once";
  EXPECT_EQ(pulls.started.back(), (Pull{4, 4, 0}));
}

TEST_F(LookaheadTest, ReadsTheNextBatchEvenWithoutPrefetchAndPullsNothing) {
  Lookahead ahead = lookahead(0);
  ahead.start(std::make_unique<Batches>(10));
  ASSERT_TRUE(ahead.fill(1, positions).ok());
  EXPECT_EQ(ahead.next().batch.samples, 1u);
  EXPECT_THAT(pulls.started, IsEmpty());
  BatchAhead current = ahead.take();
  ASSERT_TRUE(ahead.pull(current, 1, 0).ok());
  ASSERT_TRUE(ahead.pull(current, 1, 0).ok());
  EXPECT_THAT(pulls.started, ElementsAre(Pull{1, 1, 0}));
}

TEST_F(LookaheadTest, LeavesSpeculativePullsToTheCaller) {
  Lookahead ahead = lookahead(1, /*speculative=*/true);
  ahead.start(std::make_unique<Batches>(10));
  ASSERT_TRUE(ahead.fill(1, positions).ok());
  EXPECT_THAT(pulls.started, IsEmpty());
  ASSERT_TRUE(ahead.pull_next(5, 2).ok());
  EXPECT_THAT(pulls.started, ElementsAre(Pull{5, 1, 2}));
}

TEST_F(LookaheadTest, StopsReadingAtTheEndOfTheEpoch) {
  Lookahead ahead = lookahead(4);
  ahead.start(std::make_unique<Batches>(2));
  ASSERT_TRUE(ahead.fill(1, positions).ok());
  // The end is pulled too, without keys: every worker pulls and pushes in every step.
  EXPECT_THAT(pulls.started, ElementsAre(Pull{1, 1, 0}, Pull{2, 2, 0}, Pull{3, 0, 0}));
  (void)ahead.take();
  (void)ahead.take();
  ASSERT_TRUE(ahead.fill(3, positions).ok());
  EXPECT_EQ(ahead.next().batch.samples, 0u);
  EXPECT_EQ(ahead.next().batch.bad_samples, 9u) << "what the source said with its end";
  EXPECT_FALSE(ahead.next().error);
  EXPECT_EQ(pulls.started.size(), 3u);
}

TEST_F(LookaheadTest, AnErrorComesWhenItsBatchIsTheNext) {
  Lookahead ahead = lookahead(2);
  ahead.start(std::make_unique<Batches>(1, Error{ErrorCode::kBadData, "torn"}));
  ASSERT_TRUE(ahead.fill(1, positions).ok());
  EXPECT_FALSE(ahead.next().error);
  (void)ahead.take();
  ASSERT_TRUE(ahead.next().error);
  EXPECT_EQ(ahead.next().error->message, "torn");
  EXPECT_EQ(ahead.next().batch.samples, 0u);
  EXPECT_EQ(ahead.next().batch.positions, positions) << "as far as this worker came";
}

TEST_F(LookaheadTest, AWorkerWithoutASourceHasNoSamplesAndNoError) {
  Lookahead ahead = lookahead(2);
  ahead.start(nullptr);
  ASSERT_TRUE(ahead.fill(1, positions).ok());
  EXPECT_EQ(ahead.next().batch.samples, 0u);
  EXPECT_FALSE(ahead.next().error);
}

TEST_F(LookaheadTest, AbandonForgetsAllPullsAndTheNextEpochStartsAnew) {
  Lookahead ahead = lookahead(3);
  ahead.start(std::make_unique<Batches>(10));
  ASSERT_TRUE(ahead.fill(1, positions).ok());
  (void)ahead.take();  // its pull is the caller's
  ahead.abandon();
  EXPECT_THAT(pulls.waiting, UnorderedElementsAre(1u));
  ahead.start(std::make_unique<Batches>(10));
  ASSERT_TRUE(ahead.fill(2, positions).ok());
  EXPECT_EQ(ahead.next().batch.samples, 1u);
  EXPECT_EQ(pulls.started.back(), (Pull{4, 3, 0}));
}

TEST_F(LookaheadTest, APullThatCannotBeSentIsReported) {
  Lookahead ahead = lookahead(1);
  ahead.start(std::make_unique<Batches>(10));
  pulls.fails = true;
  const Status filled = ahead.fill(1, positions);
  ASSERT_FALSE(filled.ok());
  EXPECT_EQ(filled.error().message, "no shard");
  EXPECT_EQ(ahead.next().batch.samples, 1u) << "the batch is there all the same";
}

}  // namespace
}  // namespace cairn::training
