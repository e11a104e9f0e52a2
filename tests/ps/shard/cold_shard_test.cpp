// A shard whose rows are on disk, and what waits for that.
#include "tests/ps/shard/shard_fixture.h"

namespace cairn::ps {
namespace {

using testing::HasSubstr;

class ColdShardTest : public ShardTest {
 protected:
  // Rows 1..100 of table a are in the store, and no room is left in memory.
  void SetUp() override {
    ShardOptions its = options(1);
    its.hot_bytes = 1;
    start(its);
    Rows rows;
    for (Key key = 1; key <= 100; ++key) rows[0][key] = {1, 1};
    push(0, 1, 1, rows);
    sim_->settle();
    sim_->take_replies();
    while (stats()["hot_rows"] > 0) sim_->settle();  // the clock spares rows at first
  }
};

TEST_F(ColdShardTest, PullThatMissesIsAnsweredFromTheStore) {
  pull(0, 2, {{0, {{3, {}}, {500, {}}}}});
  EXPECT_TRUE(sim_->replies.empty());
  EXPECT_EQ(sim_->store.pending(), 1u);
  sim_->settle();
  std::vector<float> expected = initial(0, 3);
  for (float& weight : expected) weight -= 1;
  for (const float weight : initial(0, 500)) expected.push_back(weight);
  EXPECT_EQ(floats_of(reply()), expected);
}

TEST_F(ColdShardTest, KeysThatAreBeingReadAreNotReadAgainAndOthersAreAnsweredMeanwhile) {
  pull(0, 2, {{0, {{3, {}}, {4, {}}}}});
  sim_->settle();
  sim_->take_replies();  // 3 and 4 are pinned
  pull(0, 2, {{0, {{7, {}}}}});
  pull(0, 2, {{0, {{7, {}}, {3, {}}}}});
  EXPECT_EQ(sim_->store.pending(), 1u);
  pull(0, 2, {{0, {{4, {}}}}});
  EXPECT_EQ(reply().header.status, StatusCode::kOk);
  sim_->settle();
  EXPECT_EQ(sim_->take_replies().size(), 2u);
}

TEST_F(ColdShardTest, RowsOfATrainingPullStayUntilItsPushAndThoseOfAReadOnlyPullDoNot) {
  pull(0, 2, {{0, {{3, {}}, {500, {}}}}});
  pull(0, 2, {{0, {{4, {}}, {501, {}}}}}, kPullReadOnly);
  for (int i = 0; i < 5; ++i) {
    sim_->settle();
    pull(0, 2, {{0, {{static_cast<Key>(10 + i), {}}}}}, kPullReadOnly);  // asks for room
  }
  sim_->settle();
  sim_->take_replies();
  const size_t reads = stats()["cold_reads"];
  pull(0, 2, {{0, {{3, {}}, {500, {}}}}});
  EXPECT_EQ(reply().header.status, StatusCode::kOk);
  EXPECT_EQ(stats()["cold_reads"], reads);
  pull(0, 2, {{0, {{4, {}}}}});
  EXPECT_TRUE(sim_->replies.empty());
  EXPECT_EQ(sim_->store.pending(), 1u);
}

TEST_F(ColdShardTest, PushOfARowThatIsNotInMemoryTakesItFromTheStore) {
  push(0, 2, 2, {{0, {{3, {1, 1}}, {600, {1, 1}}}}, {1, {{3, {1}}}}});
  EXPECT_EQ(sim_->store.pending(), 1u);
  sim_->settle();
  sim_->take_replies();
  std::vector<float> expected = initial(0, 3);
  for (float& weight : expected) weight = weight - 1 - 1;
  pull(0, 3, {{0, {{3, {}}}}});
  sim_->settle();
  EXPECT_EQ(floats_of(reply()), expected);
  EXPECT_THAT(stored(2).at("0/3"), HasSubstr(" 2 2"));
  EXPECT_EQ(stats()["rows_created"], (std::vector<uint64_t>{101, 1}));
}

TEST_F(ColdShardTest, RowsReadForAPushStayWhileItWaitsForOthers) {
  pull(0, 2, {{0, {{7, {}}}}}, kPullReadOnly);
  push(0, 2, 2, {{0, {{3, {1, 1}}, {7, {1, 1}}}}});
  ASSERT_EQ(sim_->store.pending(), 2u);  // 7 is being read already
  sim_->log.complete_all();
  sim_->store.complete(1);
  while (!sim_->posted.empty()) sim_->run_posted();
  for (int i = 0; i < 10; ++i) sim_->shard->on_tick();  // looks for rows to evict
  sim_->take_replies();
  EXPECT_EQ(stats()["applied_step"], 1u);
  sim_->settle();
  sim_->take_replies();
  EXPECT_EQ(stats()["applied_step"], 2u);
  EXPECT_THAT(stored(2).at("0/3"), HasSubstr(" 2 2"));
}

TEST_F(ColdShardTest, ReadThatEndsAfterItsStepWasAppliedLeavesNothingToDrop) {
  pull(0, 2, {{0, {{500, {}}}}});
  ASSERT_EQ(sim_->store.pending(), 1u);
  push(0, 2, 2, {});
  sim_->log.complete_all();
  while (!sim_->posted.empty()) sim_->run_posted();
  sim_->store.complete();
  while (!sim_->posted.empty()) sim_->run_posted();
  for (int i = 0; i < 10; ++i) sim_->shard->on_tick();  // evicts what no step waits for
  push(0, 3, 3, {});
  sim_->settle();
  for (const auto& answered : sim_->take_replies())
    EXPECT_EQ(answered.message.header.status, StatusCode::kOk);
  EXPECT_EQ(stats()["applied_step"], 3u);
}

TEST_F(ColdShardTest, LatePullWhoseRowsHaveNoRoomTogetherIsAnswered) {
  const auto read = [&] {
    sim_->store.complete_all();
    while (!sim_->posted.empty()) sim_->run_posted();
  };
  pull(0, 1, {{0, {{3, {}}}}}, kPullReadOnly);
  read();
  EXPECT_EQ(reply().header.status, StatusCode::kOk);
  pull(0, 1, {{0, {{3, {}}, {4, {}}}}});  // of the step applied; 3 is here and may be evicted
  for (int reads = 0; sim_->replies.empty(); ++reads) {
    ASSERT_LT(reads, 10);
    for (int i = 0; i < 10; ++i) sim_->shard->on_tick();  // evicts what no step waits for
    read();
  }
  EXPECT_EQ(reply().header.status, StatusCode::kOk);
}

TEST_F(ColdShardTest, LatePullIsAnsweredThoughStepsAreFasterThanItsReads) {
  Rows keys;
  for (Key key = 1; key <= 400; ++key) keys[0][key] = {};  // more than one read takes
  pull(0, 1, keys);
  size_t answered = 0;
  uint64_t step = 1;
  for (int reads = 0; answered == 0; ++reads) {
    ASSERT_LT(reads, 20);
    if (sim_->store.pending() > 0) sim_->store.complete();
    while (!sim_->posted.empty()) sim_->run_posted();
    ++step;
    push(0, step, step, {});
    sim_->log.complete_all();
    while (!sim_->posted.empty()) sim_->run_posted();
    for (int i = 0; i < 20; ++i) sim_->shard->on_tick();  // evicts what no step waits for
    for (const auto& reply : sim_->take_replies()) answered += reply.message.header.op == Op::kPull;
  }
}

TEST_F(ColdShardTest, PullsThatWaitAreLimitedWhateverTheyWaitFor) {
  constexpr size_t kMost = 256;  // a worker
  const auto refused = [&] {
    size_t refused = 0;
    for (const auto& answer : sim_->take_replies())
      refused += answer.message.header.status == StatusCode::kFailed;
    return refused;
  };
  for (size_t i = 0; i < kMost / 2; ++i) {
    pull(0, 2, {{0, {{3, {}}}}});  // reads
    pull(0, 9, {{0, {{3, {}}}}});  // waits for its step
  }
  EXPECT_EQ(refused(), 0u);
  pull(0, 2, {{0, {{4, {}}}}});
  EXPECT_EQ(refused(), 1u);
  pull(0, 9, {{0, {{4, {}}}}});
  EXPECT_EQ(refused(), 1u);
  sim_->store.complete();
  while (!sim_->posted.empty()) sim_->run_posted();
  EXPECT_EQ(sim_->replies.size(), kMost / 2);
  EXPECT_EQ(refused(), 0u);
  pull(0, 9, {{0, {{4, {}}}}});
  EXPECT_EQ(refused(), 0u);  // there is room again
}

TEST_F(ColdShardTest, ReadThatFailsEndsTheShard) {
  pull(0, 2, {{0, {{3, {}}}}});
  pull(0, 2, {{0, {{3, {}}, {4, {}}}}});  // waits for that read and for one of its own
  sim_->store.fail(0, {ErrorCode::kCorrupt, "000012.sst is damaged"});
  sim_->settle();
  const auto replies = sim_->take_replies();
  ASSERT_EQ(replies.size(), 2u);
  for (const auto& [peer, message] : replies) {
    EXPECT_EQ(message.header.status, StatusCode::kFailed);
    EXPECT_EQ(message.text(), "shard 0: 000012.sst is damaged");
  }
  ASSERT_EQ(sim_->failures.size(), 1u);
  EXPECT_EQ(sim_->failures[0].message, "shard 0: 000012.sst is damaged");
}

// There is room for all rows, and none is in memory.
class EmptyShardTest : public ShardTest {
 protected:
  void SetUp() override {
    start(options(1));
    push(0, 1, 1, {{0, {{3, {1, 1}}, {4, {1, 1}}, {5, {1, 1}}}}});
    sim_->settle();
    sim_->take_replies();
    stored(1);
    RandomStream random(test_seed(), 1);
    sim_->crash(random);
    ASSERT_EQ(stats()["hot_rows"], 0);
  }
};

TEST_F(EmptyShardTest, RowsOfAPullAreReadWhileItIsDeferredAndItSeesTheStepBefore) {
  pull(0, 2, {{0, {{3, {}}}}});  // misses, and so may those that follow
  pull(0, 3, {{0, {{3, {}}, {4, {}}, {5, {}}}}});
  EXPECT_EQ(sim_->store.pending(), 2u);
  push(0, 2, 2, {{0, {{4, {1, 1}}}}});
  sim_->settle();
  std::vector<SimulatedShard::Reply> replies = sim_->take_replies();
  ASSERT_EQ(replies.size(), 3u);
  EXPECT_EQ(stats()["cold_reads"], 3) << "all were here in their turn";
  std::vector<float> expected;
  for (const Key key : {3, 4, 5})
    for (const float weight : initial(0, key)) expected.push_back(weight - 1 - (key == 4 ? 1 : 0));
  EXPECT_EQ(floats_of(replies.back().message), expected);
}

TEST_F(EmptyShardTest, NothingIsReadAheadWhereNothingWasMissingOfLate) {
  pull(0, 3, {{0, {{3, {}}}}});
  EXPECT_EQ(sim_->store.pending(), 0u);
  pull(0, 2, {{0, {{3, {}}}}});
  EXPECT_EQ(sim_->store.pending(), 1u);
  sim_->settle();
  pull(0, 3, {{0, {{3, {}}}}});
  pull(0, 3, {{0, {{4, {}}}}});
  EXPECT_EQ(sim_->store.pending(), 0u) << "the one before missed nothing";
}

TEST_F(EmptyShardTest, APullThatNamesAKeyTwiceIsAnswered) {
  Message message = rows_message(header(Op::kPull, 0, 1, 2), {{0, {{3, {}}}}}, kDims);
  TableEntry again = message.directory[0];
  again.changed_since = 1;
  message.directory.push_back(again);
  ++message.header.tables;
  const Key keys[] = {3, 3};
  message.keys = zmq::message_t(keys, sizeof keys);
  give("w", std::move(message));
  sim_->settle();
  EXPECT_EQ(reply().header.status, StatusCode::kOk);
}

TEST_F(ColdShardTest, NothingIsReadAheadWhereThereIsNoRoom) {
  pull(0, 2, {{0, {{3, {}}}}});
  pull(0, 3, {{0, {{4, {}}}}});
  EXPECT_EQ(sim_->store.pending(), 1u);
}

// A record takes a block of 4,096 bytes.
TEST_F(ShardTest, PushesWaitForWriteBackWhereTheLogIsFullAndPingsDoNot) {
  ShardOptions its = options(1);
  its.log_bytes_max = 32 * 4096;
  start(its);
  uint64_t sequence = 0;
  for (; stats()["pushes_waiting"] == 0 && sequence < 100; sim_->log.complete_all()) {
    ++sequence;
    push(0, sequence, sequence, {{0, {{sequence, {1, 1}}}}});
    while (!sim_->posted.empty()) sim_->run_posted();
    sim_->take_replies();
  }
  ASSERT_LT(sequence, 40u);  // 16 until a flush, and some of the rest while it gets nowhere
  const uint64_t full = sim_->log.bytes();
  EXPECT_LE(full, its.log_bytes_max + 4096);
  const Key key = 1000;
  for (int later = 0; later < 3; ++later) {  // behind it, in order
    ++sequence;
    push(0, sequence, sequence, {{0, {{key, {1, 1}}}}});
  }
  push(0, sequence, sequence, {{0, {{key, {1, 1}}}}}, "again");
  EXPECT_EQ(stats()["pushes_waiting"], 4u);
  EXPECT_EQ(sim_->log.bytes(), full);
  EXPECT_EQ(sim_->metrics.pushes_held_back.Value(), 4);
  give("w", text_message(header(Op::kPing, 0, 0, 0), ""));
  EXPECT_EQ(reply().header.status, StatusCode::kOk);

  sim_->settle();
  const auto replies = sim_->take_replies();
  ASSERT_EQ(replies.size(), 4u);
  for (const auto& reply : replies) EXPECT_EQ(reply.message.header.status, StatusCode::kOk);
  EXPECT_EQ(replies[3].peer, "again");
  EXPECT_EQ(stats()["applied_step"], sequence);
  EXPECT_LT(sim_->log.bytes(), full);
}

TEST_F(ShardTest, PushOfAStepThatHasBegunDoesNotWaitForTheLog) {
  ShardOptions its = options(2);
  its.log_bytes_max = 16 * 4096;
  start(its);
  constexpr uint64_t kSteps = 24;  // no more than 16 wait of a worker
  // Nothing is applied, so no flush can free the log.
  for (uint64_t step = 1; step <= kSteps; ++step) push(0, step, step, {});
  ASSERT_GT(stats()["pushes_waiting"], 0u);
  for (uint64_t step = 1; step <= kSteps; ++step) push(1, step, step, {});
  sim_->settle();
  EXPECT_EQ(sim_->take_replies().size(), 2 * kSteps);
  EXPECT_EQ(stats()["applied_step"], kSteps);
}

TEST_F(ShardTest, RunThatFailsEndsTheShard) {
  ShardOptions its = options(1);
  its.hot_bytes = 1;  // one dirty row is a reason to write back
  start(its);
  push(0, 1, 1, {{0, {{5, {1, 1}}}}});
  while (sim_->shard->on_tick()) {
  }
  EXPECT_EQ(sim_->store.pending(), 0u) << "the store is never ahead of the log";
  sim_->log.complete_all();
  sim_->run_posted();
  while (sim_->shard->on_tick()) {
  }
  ASSERT_EQ(sim_->store.pending(), 1u);
  sim_->store.fail(0, {ErrorCode::kUnavailable, "the disk is full"});
  sim_->settle();
  ASSERT_EQ(sim_->failures.size(), 1u);
  EXPECT_EQ(sim_->failures[0].message, "shard 0: the disk is full");
}

TEST_F(ShardTest, PullThatNeedsRoomWaitsForWriteBackAndNoLonger) {
  ShardOptions its = options(1);
  its.hot_bytes = 1;
  start(its);
  push(0, 1, 1, {{0, {{5, {1, 1}}}}});
  sim_->log.complete_all();
  sim_->run_posted();
  while (sim_->shard->on_tick()) {
  }
  ASSERT_EQ(sim_->store.pending(), 1u);  // the flush file that would clean the row
  sim_->take_replies();
  pull(0, 2, {{0, {{700, {}}}}});
  EXPECT_EQ(stats()["pulls_waiting_for_room"], 1u);
  sim_->settle();
  EXPECT_EQ(floats_of(reply()), initial(0, 700));
  // Pinned rows alone need more than there is: nothing can make room, so nothing waits for it.
  pull(0, 2, {{0, {{701, {}}}}});
  EXPECT_EQ(stats()["pulls_waiting_for_room"], 0u);
  sim_->settle();
  EXPECT_EQ(floats_of(reply()), initial(0, 701));
  EXPECT_EQ(sim_->metrics.hot_tier_excess_bytes.Value(), stats()["hot_bytes"].get<double>() - 1);
}

}  // namespace
}  // namespace cairn::ps
