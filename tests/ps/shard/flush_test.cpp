// When a flush begins and ends, and what it frees.
#include "ps/shard/flush.h"

#include "tests/ps/shard/machine_fixture.h"

namespace cairn::ps {
namespace {

class FlushTest : public MachineTest {
 protected:
  explicit FlushTest(const Setting& setting = {}) : MachineTest(setting) {}
  void apply_rows(Key first, Key count) {
    KeyValues gradients;
    for (Key key = first; key < first + count; ++key) gradients[key] = {1.0f, 2.0f};
    apply_step(gradients);
  }
};

TEST_F(FlushTest, ItStoresTheDirtyRowsAndLogsAReplayStart) {
  int ended = 0;
  flush_ended_ = [&] { ++ended; };
  apply_rows(1, 3);
  log_all();
  flush_.start();
  EXPECT_TRUE(flush_.active());
  EXPECT_EQ(flush_.begun(), 1u);
  EXPECT_EQ(flush_.ended(), 0u);
  finish_flush();
  EXPECT_EQ(flush_.ended(), 1u);
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(flush_.rows_saved(), 3u);
  EXPECT_EQ(store_.rows().size(), 3u);
  EXPECT_EQ(rows_->tier().dirty_bytes(), 0u);
  log_all();
  ASSERT_EQ(log_.kept().back().kind, RecordKind::kReplayStart);
  EXPECT_EQ(log_.kept().back().replay_after, 1u);
  EXPECT_EQ(log_.kept().back().sequences, (std::vector<WorkerSequence>{{1, 1}}));
}

TEST_F(FlushTest, TheLogIsCutOnlyOnceTheReplayStartIsAcknowledged) {
  apply_rows(1, 3);
  log_all();
  flush_.start();
  finish_flush();
  flush_.on_logged();
  EXPECT_EQ(log_.kept().front().kind, RecordKind::kPush);
  log_all();
  flush_.on_logged();
  EXPECT_EQ(log_.kept().front().kind, RecordKind::kReplayStart);
}

TEST_F(FlushTest, ARowWhoseChangeIsNotLoggedYetMakesItWait) {
  apply_rows(1, 3);
  flush_.start();
  for (int i = 0; i < 10; ++i) {
    flush_.work();
    answer_store();
  }
  EXPECT_TRUE(flush_.active());
  EXPECT_TRUE(store_.empty());
  log_all();
  finish_flush();
  EXPECT_EQ(store_.rows().size(), 3u);
}

// Where a recovery replays from is fixed as the flush begins: a step of meanwhile is replayed.
TEST_F(FlushTest, AStepThatIsAppliedMeanwhileStaysInTheLog) {
  apply_rows(1, 3);
  log_all();
  flush_.start();
  apply_rows(1, 3);
  log_all();
  finish_flush();
  log_all();
  flush_.on_logged();
  const std::deque<LogRecord> kept = log_.kept();
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[0].push->header.step, 2u);
  EXPECT_EQ(kept[1].replay_after, 1u);
}

TEST_F(FlushTest, AFailedWriteEndsTheShard) {
  apply_rows(1, 3);
  log_all();
  flush_.start();
  while (store_.pending() == 0) flush_.work();
  store_.fail(0, {ErrorCode::kUnavailable, "disk is full"});
  run_posted();
  ASSERT_TRUE(failure_.has_value());
  EXPECT_EQ(failure_->message, "disk is full");
}

class DirtyFlushTest : public FlushTest {
 protected:
  // Index and slots of an empty tier, and room for 100 rows.
  DirtyFlushTest() : FlushTest({.hot_bytes = HotTier({}, {{.dim = 2}}, 0).bytes() + 100 * 36}) {}
};

TEST_F(DirtyFlushTest, ItBeginsOnceHalfOfTheHotTierIsDirty) {
  flush_.start_if_due();
  EXPECT_FALSE(flush_.active());
  Key next = 1;
  while (rows_->tier().dirty_bytes() <= rows_->tier().hot_bytes() / 2) {
    flush_.start_if_due();
    ASSERT_FALSE(flush_.active());
    apply_rows(next, 1000);
    next += 1000;
  }
  flush_.start_if_due();
  EXPECT_TRUE(flush_.active());
}

class FullLogTest : public FlushTest {
 protected:
  FullLogTest() : FlushTest({.log_bytes_max = 1 << 16}) {}
};

TEST_F(FullLogTest, ItBeginsOnceHalfOfTheLogIsFullAndTheLogHasRoomAgainAtItsEnd) {
  while (log_.bytes() <= (1 << 16) / 2) {
    flush_.start_if_due();
    ASSERT_FALSE(flush_.active());
    apply_rows(1, 10);
  }
  EXPECT_TRUE(flush_.log_has_room());
  flush_.start_if_due();
  ASSERT_TRUE(flush_.active());
  // Before the flush has got anywhere, pushes may fill but a little of the other half.
  while (flush_.log_has_room()) apply_rows(1, 10);
  EXPECT_LT(log_.bytes(), (1 << 16) * 3 / 4);
  log_all();
  finish_flush();
  // The log is not cut yet.
  EXPECT_GT(log_.bytes(), (1 << 16) / 2);
  log_all();
  flush_.on_logged();
  EXPECT_TRUE(flush_.log_has_room());
}

TEST_F(FullLogTest, NoneBeginsBeforeAnotherStepAsItCouldFreeNothing) {
  while (log_.bytes() <= (1 << 16) / 2) apply_rows(1, 10);
  log_all();
  flush_.start_if_due();
  finish_flush();
  ASSERT_GT(log_.bytes(), (1 << 16) / 2);  // the log is not cut yet
  flush_.start_if_due();
  EXPECT_FALSE(flush_.active());
  apply_rows(1, 10);
  flush_.start_if_due();
  EXPECT_TRUE(flush_.active());
}

}  // namespace
}  // namespace cairn::ps
