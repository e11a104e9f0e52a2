// Pulls that wait: for their step, for the store, for room.
#include "ps/shard/pulls.h"

#include "tests/ps/shard/machine_fixture.h"

namespace cairn::ps {
namespace {

class PullsTest : public MachineTest {
 protected:
  explicit PullsTest(const Setting& setting = {}) : MachineTest(setting) {
    flush_ended_ = [this] {
      rows_->tier().make_room(0, clock_.applied_step);
      pulls_.release_waiting_for_room();
    };
  }
  void pull(uint64_t number, uint64_t step, const std::vector<Key>& keys, const Peer& peer = "w",
            uint32_t flags = 0) {
    Header its = header(Op::kPull, 0, number, step);
    its.flags = flags;
    KeyValues rows;
    for (const Key key : keys) rows[key] = {};
    Message message = rows_message(its, {{0, rows}}, {2});
    Request from = request_of(peer, message);
    pulls_.on_pull(std::move(from), std::move(message));
  }
  Message only_reply() {
    std::vector<Reply> replies = take_replies();
    EXPECT_EQ(replies.size(), 1u);
    return replies.empty() ? Message{} : std::move(replies[0].message);
  }

  Pulls pulls_{1,
               {.rows = *rows_,
                .store = store_,
                .reads = reads_,
                .flush = flush_,
                .replies = replies_,
                .consistency = consistency_,
                .clock = clock_,
                .metrics = metrics_,
                .failure = failure_}};
};

TEST_F(PullsTest, APullIsDeferredUntilItsStepIsDueAndSeesTheStepsBeforeIt) {
  pull(1, 2, {1});
  EXPECT_EQ(pulls_.deferred(), 1u);
  apply_step({{1, {1.0f, 2.0f}}});
  pulls_.release();
  EXPECT_EQ(pulls_.deferred(), 1u);  // the step is not logged yet
  log_all();
  pulls_.release();
  EXPECT_EQ(pulls_.deferred(), 0u);
  const Message reply = only_reply();
  EXPECT_EQ(reply.header.step, 1u);
  EXPECT_EQ(floats_of(reply), (std::vector<float>{initial(1)[0] - 1.0f, initial(1)[1] - 2.0f}));
}

TEST_F(PullsTest, OneThatComesAgainTakesThePlaceOfTheFirst) {
  pull(1, 2, {1}, "before");
  pull(1, 2, {1}, "after");
  EXPECT_EQ(pulls_.deferred(), 1u);
  apply_step({{1, {1.0f, 2.0f}}});
  log_all();
  pulls_.release();
  const std::vector<Reply> replies = take_replies();
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].peer, "after");
}

TEST_F(PullsTest, ASpeculativeOneIsAnsweredAtOnceAndSaysWhetherItHadToBe) {
  pull(1, 9, {1}, "w", kPullSpeculative);
  EXPECT_EQ(only_reply().header.flags, kPullSpeculative);
  pull(2, 1, {1}, "w", kPullSpeculative);
  EXPECT_EQ(only_reply().header.flags, 0u);
}

TEST_F(PullsTest, RowsThatAreNotInMemoryAreReadFromTheStore) {
  store_row(1, {3.0f, 4.0f});
  pull(1, 1, {1, 2});
  EXPECT_TRUE(take_replies().empty());
  answer_store();
  const std::vector<float> absent = initial(2);
  EXPECT_EQ(floats_of(only_reply()), (std::vector<float>{3.0f, 4.0f, absent[0], absent[1]}));
}

TEST_F(PullsTest, WhereRowsWereMissingTheyAreReadBeforeThePullsTurn) {
  store_row(1, {3.0f, 4.0f});
  store_row(2, {5.0f, 6.0f});
  pull(1, 1, {1});
  answer_store();
  take_replies();
  EXPECT_EQ(pulls_.rows_read_ahead(), 0u);
  pull(2, 2, {2});
  EXPECT_EQ(pulls_.deferred(), 1u);
  EXPECT_EQ(pulls_.rows_read_ahead(), 1u);
  answer_store();
  EXPECT_TRUE(in_memory(2));
  EXPECT_TRUE(take_replies().empty());
}

TEST_F(PullsTest, AWorkerCannotHaveMoreThanABoundOfPullsWait) {
  size_t asked = 0;
  while (take_replies().empty()) {
    pull(++asked, 2, {1});
    ASSERT_LE(asked, 1000u);
  }
  EXPECT_EQ(pulls_.deferred(), asked - 1);
}

TEST_F(PullsTest, AFailedShardTellsEveryoneWhoWaitsAndWhoeverComesAfter) {
  pull(1, 2, {1});
  failure_ = Error{ErrorCode::kUnavailable, "the log failed"};
  pulls_.refuse_all();
  EXPECT_EQ(only_reply().text(), "the log failed");
  EXPECT_EQ(pulls_.deferred(), 0u);
  pull(2, 1, {1});
  EXPECT_EQ(only_reply().header.status, StatusCode::kFailed);
}

class NoRoomTest : public PullsTest {
 protected:
  NoRoomTest() : PullsTest({.hot_bytes = 1}) {}
};

TEST_F(NoRoomTest, APullForWhichThereIsNoRoomWaitsForAFlushAndThenMemoryGrows) {
  apply_step({{1, {1.0f, 2.0f}}});
  log_all();
  pull(1, 2, {7});
  EXPECT_EQ(pulls_.waiting_for_room(), 1u);
  EXPECT_TRUE(flush_.active());
  EXPECT_TRUE(take_replies().empty());
  finish_flush();
  answer_store();
  EXPECT_EQ(pulls_.waiting_for_room(), 0u);
  EXPECT_EQ(floats_of(only_reply()), initial(7));
}

TEST_F(NoRoomTest, AFailedShardTellsOnceWhoWaitsForRoom) {
  apply_step({{1, {1.0f, 2.0f}}});
  log_all();
  pull(1, 2, {7});
  failure_ = Error{ErrorCode::kUnavailable, "the log failed"};
  pulls_.refuse_all();
  EXPECT_EQ(only_reply().text(), "the log failed");
  EXPECT_EQ(pulls_.waiting_for_room(), 0u);
}

// A flush that had begun before may have passed what has to go.
TEST_F(NoRoomTest, APullThatComesDuringAFlushWaitsForTheNextOneToo) {
  apply_step({{1, {1.0f, 2.0f}}});
  log_all();
  flush_.start();
  pull(1, 2, {7});
  EXPECT_EQ(pulls_.waiting_for_room(), 1u);
  while (flush_.ended() == 0) {
    flush_.work();
    answer_store();
  }
  EXPECT_EQ(pulls_.waiting_for_room(), 1u);
  EXPECT_TRUE(flush_.active());
  finish_flush();
  answer_store();
  EXPECT_EQ(pulls_.waiting_for_room(), 0u);
  EXPECT_EQ(floats_of(only_reply()), initial(7));
}

}  // namespace
}  // namespace cairn::ps
