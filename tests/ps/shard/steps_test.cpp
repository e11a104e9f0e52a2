// Pushes and the steps that they make, without the shard around them.
#include "ps/shard/steps.h"

#include <gmock/gmock.h>

#include "tests/ps/shard/machine_fixture.h"

namespace cairn::ps {
namespace {

class StepsTest : public MachineTest {
 protected:
  explicit StepsTest(const Setting& setting = {.workers = 2})
      : MachineTest(setting), workers_(setting.workers) {}

  void push(uint32_t worker, uint64_t step, const KeyValues& gradients, const Peer& peer = "w") {
    Message message = push_of(worker, step, gradients);
    Request from = request_of(peer, message);
    steps_.on_push(std::move(from), std::move(message));
  }
  void log_and_acknowledge() {
    log_all();
    steps_.acknowledge();
  }
  std::vector<float> weights(Key key) {
    std::vector<float> weights(2);
    std::vector<RowKey> missing;
    rows_->read(0, {&key, 1}, 0, ShardRows::Absent::kComputeOnly, {}, ValueType::kFloat32,
                reinterpret_cast<char*>(weights.data()), missing);
    return weights;
  }

  const uint32_t workers_;
  const KeyValues one_ = {{1, {1.0f, 2.0f}}};
  bool is_held_ = false;
  std::vector<Lsn> commits_;
  Steps steps_{workers_,
               {.rows = *rows_,
                .store = store_,
                .reads = reads_,
                .writer = writer_,
                .flush = flush_,
                .replies = replies_,
                .validator = validator_,
                .assembler = assembler_,
                .changes = changes_,
                .consistency = consistency_,
                .clock = clock_,
                .metrics = metrics_,
                .failure = failure_,
                .is_held = [this] { return is_held_; },
                .applied =
                    [this](Lsn commit) {
                      commits_.push_back(commit);
                      clock_.commit_lsn = commit;
                      clock_.applied_step = assembler_.applied_step();
                    }}};
};

TEST_F(StepsTest, AStepIsAppliedOnceWithTheSumOfAllWorkersWhenTheLastOneHasPushed) {
  push(1, 1, one_);
  EXPECT_TRUE(commits_.empty());
  push(0, 1, one_);
  EXPECT_EQ(commits_, std::vector<Lsn>{2});
  EXPECT_EQ(weights(1), (std::vector<float>{initial(1)[0] - 2.0f, initial(1)[1] - 4.0f}));
  EXPECT_EQ(steps_.rows_created(), std::vector<uint64_t>{1});
}

TEST_F(StepsTest, APushIsAcknowledgedOnlyOnceItIsLogged) {
  push(0, 1, one_);
  push(1, 1, one_);
  steps_.acknowledge();
  EXPECT_TRUE(take_replies().empty());
  log_.complete(1);
  clock_.acknowledged_lsn = 1;
  steps_.acknowledge();
  const std::vector<Reply> replies = take_replies();
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].message.header.worker, 0u);
}

TEST_F(StepsTest, APushThatComesAgainIsNeitherAppliedNorLoggedTwiceAndAnswersWhoAskedLast) {
  push(0, 1, one_, "before");
  push(0, 1, one_, "after");
  EXPECT_EQ(log_.pending(), 1u);
  log_and_acknowledge();
  std::vector<Reply> replies = take_replies();
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].peer, "after");
  push(0, 1, one_);
  replies = take_replies();
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].message.header.status, StatusCode::kOk);
}

TEST_F(StepsTest, APushOutOfOrderIsToldWhichOneIsExpected) {
  push(0, 2, one_);
  const std::vector<Reply> replies = take_replies();
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].message.header.status, StatusCode::kOutOfOrder);
  EXPECT_EQ(replies[0].message.header.sequence, 1u);
  EXPECT_EQ(log_.pending(), 0u);
}

TEST_F(StepsTest, AStepThatIsHeldIsAppliedOnceItNoLongerIs) {
  is_held_ = true;
  push(0, 1, one_);
  push(1, 1, one_);
  EXPECT_TRUE(commits_.empty());
  is_held_ = false;
  steps_.apply();
  EXPECT_EQ(commits_.size(), 1u);
}

TEST_F(StepsTest, RowsThatAreNotInMemoryAreReadFirstAndTheStepIsWholeOnlyThen) {
  store_row(1, {10.0f, 10.0f});
  push(0, 1, one_);
  push(1, 1, one_);
  EXPECT_TRUE(steps_.applying());
  EXPECT_TRUE(commits_.empty());
  push(0, 2, one_);
  push(1, 2, one_);  // waits behind step 1
  answer_store();
  EXPECT_FALSE(steps_.applying());
  EXPECT_EQ(commits_, (std::vector<Lsn>{2, 4}));
  EXPECT_EQ(weights(1), (std::vector<float>{6.0f, 2.0f}));
  EXPECT_EQ(steps_.rows_created(), std::vector<uint64_t>{0});
}

TEST_F(StepsTest, AFailedShardTellsEveryoneWhoWaits) {
  push(0, 1, one_);
  failure_ = Error{ErrorCode::kUnavailable, "the log failed"};
  steps_.refuse_all();
  const std::vector<Reply> replies = take_replies();
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].message.header.status, StatusCode::kFailed);
}

class RemovingStepsTest : public StepsTest {
 protected:
  RemovingStepsTest() : StepsTest({.workers = 2, .expiry = {.unseen_steps = 9}}) {}
};

TEST_F(RemovingStepsTest, APushThatHasToWaitGetsNoLsnAndNoneOfItsWorkerOvertakesIt) {
  push(0, 1, one_);
  push(0, 2, one_);
  push(0, 3, one_);
  EXPECT_EQ(steps_.waiting(), 2u);
  EXPECT_EQ(log_.pending(), 1u);
  push(1, 1, one_);  // step 1 is over now, and step 2 may be pushed
  EXPECT_EQ(commits_.size(), 1u);
  EXPECT_EQ(steps_.waiting(), 1u);
  log_all();
  ASSERT_EQ(log_.kept().size(), 3u);
  EXPECT_EQ(log_.kept()[2].push->header.step, 2u);
}

TEST_F(RemovingStepsTest, PushesGoOnOnceTheRemovalsOfTheirStepAreDone) {
  clock_.step_is_over = false;
  push(0, 1, one_, "before");
  push(0, 1, one_, "after");
  EXPECT_EQ(steps_.waiting(), 1u);
  clock_.step_is_over = true;
  steps_.release_waiting();
  EXPECT_EQ(steps_.waiting(), 0u);
  log_and_acknowledge();
  const std::vector<Reply> replies = take_replies();
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].peer, "after");
}

class FullLogStepsTest : public StepsTest {
 protected:
  FullLogStepsTest() : StepsTest({.workers = 2, .log_bytes_max = 4096}) {}
};

TEST_F(FullLogStepsTest, APushThatBeginsAStepWaitsForTheLogAndThoseOfStepsThatHaveBegunDoNot) {
  push(0, 1, one_);
  while (flush_.log_has_room()) flush_.log_replay_start(0, {});
  push(1, 1, one_);
  EXPECT_EQ(commits_.size(), 1u);
  push(0, 2, one_);
  EXPECT_EQ(steps_.waiting(), 1u);
  EXPECT_EQ(metrics_.pushes_held_back.Value(), 1.0);
  log_all();
  log_.cut(writer_.next_lsn() - 1);
  push(0, 3, one_);  // there is room now, and still it does not overtake
  EXPECT_EQ(steps_.waiting(), 2u);
  steps_.release_waiting();
  EXPECT_EQ(steps_.waiting(), 0u);
  EXPECT_TRUE(take_replies().empty());  // neither was refused as out of order
}

}  // namespace
}  // namespace cairn::ps
