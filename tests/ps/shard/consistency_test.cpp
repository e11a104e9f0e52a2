// The rules of sync, one by one: what may happen at which moment of the clock.
#include "ps/shard/consistency.h"

#include <gtest/gtest.h>

#include <memory>

namespace cairn::ps {
namespace {

// Step 5 is applied, logged and over.
class ConsistencyTest : public testing::Test {
 protected:
  static Header pull(uint64_t step, uint32_t flags = 0) {
    return {.op = Op::kPull, .step = step, .flags = flags};
  }
  static Header push(uint64_t step, uint32_t worker = 0) {
    return {.op = Op::kPush, .sequence = step, .step = step, .worker = worker};
  }
  void accept(const Header& header, Lsn lsn) {
    auto message = std::make_shared<Message>();
    message->header = header;
    assembler_.accept(std::move(message), lsn);
  }

  ShardClock clock_{.applied_step = 5, .commit_lsn = 20, .acknowledged_lsn = 20};
  StepAssembler assembler_{std::vector<WorkerSequence>{{5, 5}, {5, 5}}};
  const ConsistencyRules rules_{clock_, assembler_, /*removes_rows=*/false};
  const ConsistencyRules removing_{clock_, assembler_, /*removes_rows=*/true};
};

TEST_F(ConsistencyTest, APullIsAnsweredOnceTheStepBeforeItsOwnIsApplied) {
  EXPECT_TRUE(rules_.may_answer(pull(6)));
  EXPECT_FALSE(rules_.may_answer(pull(7)));
}

TEST_F(ConsistencyTest, APullOfAnAppliedStepIsAnswered) {
  EXPECT_TRUE(rules_.may_answer(pull(5)));
  EXPECT_TRUE(rules_.may_answer(pull(1)));
}

TEST_F(ConsistencyTest, APullWaitsUntilWhatItWouldSeeIsLogged) {
  clock_.commit_lsn = 21;
  EXPECT_FALSE(rules_.may_answer(pull(6)));
  clock_.acknowledged_lsn = 21;
  EXPECT_TRUE(rules_.may_answer(pull(6)));
}

TEST_F(ConsistencyTest, APullWaitsWhileRowsThatGoAfterTheStepAreLookedFor) {
  clock_.step_is_over = false;
  EXPECT_FALSE(rules_.may_answer(pull(6)));
}

TEST_F(ConsistencyTest, ASpeculativePullIsAnsweredAtOnceAndIsNotDueBeforeItsTurn) {
  clock_.step_is_over = false;
  EXPECT_TRUE(rules_.may_answer(pull(9, kPullSpeculative)));
  EXPECT_FALSE(rules_.is_due(pull(6, kPullSpeculative)));
  clock_.step_is_over = true;
  EXPECT_FALSE(rules_.is_due(pull(9, kPullSpeculative)));
  EXPECT_TRUE(rules_.is_due(pull(6, kPullSpeculative)));
}

TEST_F(ConsistencyTest, APushWaitsForNoStepWhereNoRowsAreRemoved) {
  EXPECT_TRUE(rules_.may_accept(push(8), true));
  clock_.step_is_over = false;
  EXPECT_TRUE(rules_.may_accept(push(6), true));
}

TEST_F(ConsistencyTest, APushWaitsForTheStepBeforeItsOwnWhereRowsAreRemoved) {
  EXPECT_TRUE(removing_.may_accept(push(6), true));
  EXPECT_FALSE(removing_.may_accept(push(7), true));
  clock_.step_is_over = false;
  EXPECT_FALSE(removing_.may_accept(push(6), true));
}

TEST_F(ConsistencyTest, AFullLogTakesPushesOfStepsThatHaveBegunAlone) {
  EXPECT_FALSE(rules_.may_accept(push(6), false));
  accept(push(6, 0), 21);
  EXPECT_TRUE(rules_.may_accept(push(6, 1), false));
  EXPECT_FALSE(rules_.may_accept(push(7, 0), false));
  EXPECT_TRUE(rules_.waits_for_log(push(7, 0), false));
  EXPECT_FALSE(rules_.waits_for_log(push(7, 0), true));
}

TEST_F(ConsistencyTest, AStepIsReadyOnceEveryWorkerHasPushedItAndTheOneBeforeIsOver) {
  accept(push(6, 0), 21);
  EXPECT_EQ(rules_.ready_step(), nullptr);
  accept(push(6, 1), 22);
  ASSERT_NE(rules_.ready_step(), nullptr);
  EXPECT_EQ(rules_.ready_step()->step, 6u);
  clock_.step_is_over = false;
  EXPECT_EQ(rules_.ready_step(), nullptr);
}

TEST_F(ConsistencyTest, TheWholeStepIsTheLastOneWhoseRemovalsAreDone) {
  EXPECT_EQ(clock_.whole_step(), 5u);
  clock_.step_is_over = false;
  EXPECT_EQ(clock_.whole_step(), 4u);
  clock_.applied_step = 0;
  EXPECT_EQ(clock_.whole_step(), 0u);
}

}  // namespace
}  // namespace cairn::ps
