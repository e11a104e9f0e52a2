// A checkpoint from the request to the reply: what it waits for, and what it holds back.
#include "ps/shard/checkpoint.h"

#include <nlohmann/json.hpp>

#include "tests/ps/shard/machine_fixture.h"

namespace cairn::ps {
namespace {

class CheckpointTest : public MachineTest {
 protected:
  CheckpointTest() : MachineTest({}) {
    flush_ended_ = [this] { checkpoint_.advance(); };
  }
  void ask(uint64_t number, uint64_t step, const std::string& folder, const Peer& peer = "w") {
    const Message message = text_message(header(Op::kCheckpoint, 0, number, step),
                                         nlohmann::json{{"folder", folder}}.dump());
    checkpoint_.on_request(request_of(peer, message), message);
  }
  StatusCode only_status() {
    const std::vector<Reply> replies = take_replies();
    EXPECT_EQ(replies.size(), 1u);
    return replies.empty() ? StatusCode::kFailed : replies[0].message.header.status;
  }

  bool applying_ = false;
  int over_ = 0;
  Checkpoint checkpoint_{{},
                         {.rows = *rows_,
                          .store = store_,
                          .flush = flush_,
                          .replies = replies_,
                          .clock = clock_,
                          .metrics = metrics_,
                          .post = post(),
                          .failure = failure_,
                          .applying = [this] { return applying_; },
                          .row_counts = [] { return std::optional(std::vector<uint64_t>{3}); },
                          .over = [this] { ++over_; }}};
};

TEST_F(CheckpointTest, ItHoldsTheRowsAsOfItsStep) {
  apply_step({{1, {1.0f, 2.0f}}});
  ask(1, 2, "two");
  EXPECT_FALSE(checkpoint_.holds_steps());
  EXPECT_TRUE(flush_.active());  // most rows are written before its step
  apply_step({{1, {1.0f, 2.0f}}, {2, {1.0f, 2.0f}}});
  EXPECT_TRUE(checkpoint_.holds_steps());
  log_all();
  checkpoint_.advance();
  finish_flush();
  answer_store();
  const std::vector<Reply> replies = take_replies();
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(nlohmann::json::parse(replies[0].message.text())["rows"], nlohmann::json({3}));
  ASSERT_NE(store_.rows_in("two"), nullptr);
  EXPECT_EQ(store_.rows_in("two")->size(), 2u);
  EXPECT_EQ(store_.rows_in("two")->at({0, 1}).entry.count, 2u);
  EXPECT_EQ(over_, 1);
  EXPECT_FALSE(checkpoint_.holds_steps());
}

TEST_F(CheckpointTest, ItWaitsUntilItsStepIsOverAndLogged) {
  apply_step({{1, {1.0f, 2.0f}}});
  clock_.step_is_over = false;
  ask(1, 1, "one");
  EXPECT_FALSE(flush_.active());
  clock_.step_is_over = true;
  checkpoint_.advance();
  EXPECT_FALSE(flush_.active());  // the push is not logged yet
  log_all();
  checkpoint_.advance();
  EXPECT_TRUE(flush_.active());
}

TEST_F(CheckpointTest, WhereNothingIsDirtyNoFlushIsWaitedFor) {
  ask(1, 0, "none");
  EXPECT_EQ(flush_.begun(), 0u);
  answer_store();
  EXPECT_EQ(only_status(), StatusCode::kOk);
}

TEST_F(CheckpointTest, ARequestThatComesAgainIsAnsweredOnceWhileItIsUnderWayAndOnceMoreAfter) {
  ask(1, 0, "a", "before");
  ask(1, 0, "a", "after");
  answer_store();
  std::vector<Reply> replies = take_replies();
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].peer, "after");
  const std::string answer(replies[0].message.text());
  ask(1, 0, "a");
  replies = take_replies();
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].message.text(), answer);
  EXPECT_EQ(store_.pending(), 0u);
}

TEST_F(CheckpointTest, AnotherIsRefusedWhileOneIsUnderWay) {
  ask(1, 0, "a");
  ask(2, 0, "b");
  EXPECT_EQ(only_status(), StatusCode::kFailed);
  answer_store();
  EXPECT_EQ(only_status(), StatusCode::kOk);
}

TEST_F(CheckpointTest, OneOfAStepThatIsPastOrPartlyPastIsRefused) {
  apply_step({{1, {1.0f, 2.0f}}});
  ask(1, 0, "a");
  EXPECT_EQ(only_status(), StatusCode::kFailed);
  applying_ = true;  // step 2 has begun
  ask(2, 1, "b");
  EXPECT_EQ(only_status(), StatusCode::kFailed);
}

TEST_F(CheckpointTest, ARequestWithoutAFolderIsRefused) {
  for (const char* text : {"", "[]", "{}", R"({"folder": 3})"}) {
    const Message message = text_message(header(Op::kCheckpoint, 0, 1, 0), text);
    checkpoint_.on_request(request_of("w", message), message);
    EXPECT_EQ(only_status(), StatusCode::kBadMessage) << text;
  }
}

TEST_F(CheckpointTest, WhereTheStoreCannotStepsGoOnAndTheRequestMayComeAgain) {
  ask(1, 0, "a");
  store_.fail(0, {ErrorCode::kUnavailable, "no room"});
  run_posted();
  EXPECT_EQ(only_status(), StatusCode::kFailed);
  EXPECT_EQ(over_, 1);
  EXPECT_FALSE(failure_.has_value());
  ask(1, 0, "a");
  answer_store();
  EXPECT_EQ(only_status(), StatusCode::kOk);
}

TEST_F(CheckpointTest, AFailedShardTellsWhoWaits) {
  ask(1, 9, "a");
  failure_ = Error{ErrorCode::kUnavailable, "the log failed"};
  checkpoint_.refuse();
  const std::vector<Reply> replies = take_replies();
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].message.text(), "the log failed");
  EXPECT_FALSE(checkpoint_.holds_steps());
}

}  // namespace
}  // namespace cairn::ps
