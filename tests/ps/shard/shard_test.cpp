#include "ps/shard/shard.h"

#include <cmath>
#include <limits>

#include "common/values.h"
#include "tests/ps/shard/shard_fixture.h"

namespace cairn::ps {
namespace {

using testing::HasSubstr;

TEST_F(ShardTest, PullIsDeferredUntilTheStepBeforeIsAppliedAndItsCommitIsLogged) {
  start(options(2));
  pull(0, 2, {{0, {{5, {}}}}});
  push(0, 1, 1, {{0, {{5, {1, 2}}}}});
  sim_->settle();
  EXPECT_EQ(reply().header.op, Op::kPush);  // logged; the pull waits for the other worker's
  push(1, 1, 1, {});
  EXPECT_TRUE(sim_->replies.empty());  // applied, but its commit is not logged
  sim_->settle();
  auto replies = sim_->take_replies();
  ASSERT_EQ(replies.size(), 2u);
  EXPECT_EQ(replies[1].message.header.op, Op::kPull);
  EXPECT_EQ(replies[1].message.header.step, 1u);
  EXPECT_EQ(replies[1].message.header.server_run, 4u);
  std::vector<float> expected = initial(0, 5);
  expected[0] -= 1;
  expected[1] -= 2;
  EXPECT_EQ(floats_of(replies[1].message), expected);
}

TEST_F(ShardTest, DeferredPullThatComesAgainIsAnsweredOnceToWhoeverAskedLast) {
  start(options(1));
  const Message pull = rows_message(header(Op::kPull, 0, 7, 2), {{0, {{5, {}}}}}, kDims);
  give("before", copy_of(pull));
  give("after", copy_of(pull));
  push(0, 1, 1, {});
  sim_->settle();
  auto replies = sim_->take_replies();
  ASSERT_EQ(replies.size(), 2u);
  EXPECT_EQ(replies[1].peer, "after");
}

TEST_F(ShardTest, SpeculativePullIsAnsweredAtOnceAndSaysHowFarItGoes) {
  start(options(2));
  push(0, 1, 1, {{0, {{5, {1, 1}}}}});
  pull(0, 3, {{0, {{5, {}}}}}, kPullSpeculative);
  const Message early = reply();
  EXPECT_EQ(early.header.step, 0u);
  EXPECT_EQ(floats_of(early), initial(0, 5));
}

// The message with its values, or those it asks for, as bf16.
Message as_bf16(Message message) {
  const std::vector<float> values = floats_of(message);
  message.values = zmq::message_t(values.size() * 2);
  narrow(values.data(), ValueType::kBfloat16, static_cast<char*>(message.values.data()),
         values.size());
  for (TableEntry& entry : message.directory) entry.dtype = ValueType::kBfloat16;
  return message;
}
std::vector<float> widened(const Message& message) {
  std::vector<float> values(message.values.size() / 2);
  widen(static_cast<const char*>(message.values.data()), ValueType::kBfloat16, values.data(),
        values.size());
  return values;
}

TEST_F(ShardTest, EachMessageHasItsTypeOfValuesWhateverThatOfTheRows) {
  for (const ValueType rows : {ValueType::kFloat32, ValueType::kBfloat16}) {
    ShardOptions its = options(1);
    for (TableConfig& table : its.tables) {
      table.dtype = rows;
      table.initializer.kind = Initializer::kZero;
    }
    start(its);
    give("w", as_bf16(rows_message(header(Op::kPush, 0, 1, 1),
                                   {{0, {{5, {-1.5f, 1}}}}, {1, {{6, {2}}}}}, kDims)));
    push(0, 2, 2, {{0, {{5, {-0.25f, 0}}}}, {1, {{6, {0.5f}}}}});
    sim_->settle();
    sim_->take_replies();
    const Rows keys = {{0, {{5, {}}, {7, {}}}}, {1, {{6, {}}}}};
    const std::vector<float> expected = {1.75f, -1, 0, 0, -2.5f};
    pull(0, 3, keys);
    EXPECT_EQ(floats_of(reply()), expected);
    give("w", as_bf16(rows_message(header(Op::kPull, 0, 99, 3), keys, kDims)));
    EXPECT_EQ(widened(reply()), expected);
  }
}

TEST_F(ShardTest, Bf16RowsReadTheSameBeforeAndAfterTheyAreMadeAndMoveByTheStepInTheMean) {
  ShardOptions its = options(1);
  for (TableConfig& table : its.tables) table.dtype = ValueType::kBfloat16;
  start(its);
  KeyValues asked, nothing, little;
  for (Key key = 0; key < 5000; ++key) {
    asked[key] = {};
    nothing[key] = {0.0f};
    little[key] = {-1e-5f};  // far below the distance of two bf16 at the size of these weights
  }
  const auto weights = [&](uint64_t step) {
    pull(0, step, {{1, asked}});
    return floats_of(reply());
  };
  const std::vector<float> before = weights(1);
  push(0, 1, 1, {{1, nothing}});
  sim_->settle();
  sim_->take_replies();
  EXPECT_EQ(weights(2), before);
  push(0, 2, 2, {{1, little}});
  sim_->settle();
  sim_->take_replies();
  const std::vector<float> after = weights(3);
  double moved = 0;
  for (size_t i = 0; i < after.size(); ++i) moved += double{after[i]} - before[i];
  // The deviation of one is below the root of (step x distance), 4e-5.
  EXPECT_NEAR(moved / 5000, 1e-5, 6 * 4e-5 / std::sqrt(5000));
}

TEST_F(ShardTest, PullsChangeNothing) {
  start(options(1));
  push(0, 1, 1, {{0, {{5, {1, 2}}}}, {1, {{6, {3}}}}});
  sim_->settle();
  sim_->take_replies();
  const auto before = stored(1);
  EXPECT_EQ(before.size(), 2u);
  for (const uint32_t flags : {0u, uint32_t{kPullSpeculative}, uint32_t{kPullReadOnly}}) {
    pull(0, 2, {{0, {{5, {}}, {77, {}}}}, {1, {{78, {}}}}}, flags);
    sim_->settle();
    EXPECT_EQ(reply().header.status, StatusCode::kOk);
  }
  EXPECT_EQ(stored(1), before);
  EXPECT_EQ(stats()["rows_created"], (std::vector<uint64_t>{1, 1}));
  // The step's push does not touch what was pulled: it leaves nothing behind.
  push(0, 2, 2, {{0, {{5, {0, 0}}}}});
  sim_->settle();
  sim_->take_replies();
  EXPECT_EQ(stats()["hot_rows"], 2u);
  EXPECT_EQ(stored(2).size(), 2u);
}

TEST_F(ShardTest, PushThatComesAgainIsAppliedOnceAndAnsweredOnceItIsLogged) {
  start(options(1));
  push(0, 1, 1, {{0, {{5, {1, 1}}}}}, "first");
  push(0, 1, 1, {{0, {{5, {1, 1}}}}}, "second");
  EXPECT_TRUE(sim_->replies.empty());
  sim_->settle();
  auto replies = sim_->take_replies();
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].peer, "second");
  push(0, 1, 1, {{0, {{5, {1, 1}}}}}, "third");  // long logged: answered at once
  EXPECT_EQ(reply().header.status, StatusCode::kOk);
  std::vector<float> expected = initial(0, 5);
  for (float& weight : expected) weight -= 1;
  pull(0, 2, {{0, {{5, {}}}}});
  EXPECT_EQ(floats_of(reply()), expected);
  EXPECT_EQ(stats()["duplicates_dropped"], 2u);
}

TEST_F(ShardTest, PushOutOfOrderIsToldTheExpectedSequence) {
  start(options(1));
  push(0, 3, 1, {});
  Message refused = reply();
  EXPECT_EQ(refused.header.status, StatusCode::kOutOfOrder);
  EXPECT_EQ(refused.header.sequence, 1u);
  push(0, 1, 1, {});
  push(0, 3, 2, {});
  refused = reply();
  EXPECT_EQ(refused.header.status, StatusCode::kOutOfOrder);
  EXPECT_EQ(refused.header.sequence, 2u);
  push(0, 0, 2, {});
  EXPECT_EQ(reply().header.status, StatusCode::kOutOfOrder);
}

TEST_F(ShardTest, FramesOfAStrangerAreRefusedAndChangeNothing) {
  ShardOptions its = options(2);
  its.slots = {.shards = 2};
  start(its);
  Key own = 0, foreign = 0;
  while (its.slots.shard_of(own) != 0) ++own;
  while (its.slots.shard_of(foreign) != 1) ++foreign;
  push(0, 1, 1, {{0, {{own, {1, 1}}}}});
  push(1, 1, 1, {});
  sim_->settle();
  sim_->take_replies();
  const auto before = stored(1);

  const auto refused = [&](StatusCode status, const std::function<void(Message&)>& change) {
    for (const Op op : {Op::kPush, Op::kPull}) {
      Message message = rows_message(
          header(op, 0, 2, 2),
          {{0, {{own, op == Op::kPush ? std::vector<float>{1, 1} : std::vector<float>{}}}}}, kDims);
      change(message);
      give("stranger", std::move(message));
      sim_->settle();
      EXPECT_EQ(reply().header.status, status);
    }
  };
  using M = Message&;
  refused(StatusCode::kWrongIncarnation, [](M m) { m.header.incarnation ^= 1; });
  refused(StatusCode::kBadMessage, [](M m) { m.header.worker = 2; });
  refused(StatusCode::kWrongMap, [](M m) { m.header.map_version = 2; });
  refused(StatusCode::kBadMessage, [](M m) { m.header.status = StatusCode::kFailed; });
  refused(StatusCode::kBadMessage, [](M m) { m.header.step = kStepMax + 1; });
  refused(StatusCode::kBadMessage, [](M m) { m.directory[0].table = 2; });
  refused(StatusCode::kBadMessage, [](M m) { m.directory[0].dim = 1; });
  refused(StatusCode::kBadMessage, [](M m) { m.keys = zmq::message_t(); });
  refused(StatusCode::kWrongMap, [&](M m) { m.keys = zmq::message_t(&foreign, sizeof foreign); });
  refused(StatusCode::kBadMessage, [](M m) {
    m.directory.clear();
    m.keys = zmq::message_t();
    m.values = zmq::message_t(std::string_view("text"));
  });
  for (const Op op : {Op::kPush, Op::kPull, Op::kPing, Op::kStats, Op::kCheckpoint}) {
    Header its = header(op, 0, 2, 2);
    its.flags = op == Op::kPull ? uint32_t{4} : uint32_t{kPullSpeculative};
    give("stranger", text_message(its, ""));
    const Message answer = reply();
    EXPECT_EQ(answer.header.status, StatusCode::kBadMessage);
    EXPECT_THAT(std::string(answer.text()), HasSubstr("flags"));
  }
  push(0, 2, 3, {});  // not the next step
  EXPECT_EQ(reply().header.status, StatusCode::kBadMessage);
  Header ping = header(Op::kPing, 0, 1, 0);
  ping.incarnation ^= 1;
  give("stranger", text_message(ping, ""));
  EXPECT_EQ(reply().header.status, StatusCode::kWrongIncarnation);

  EXPECT_EQ(sim_->metrics.refused(RefusalReason::kIncarnation).Value(), 3);
  EXPECT_EQ(stored(1), before);
  push(0, 2, 2, {});  // and the next in order is still that
  sim_->settle();
  EXPECT_EQ(reply().header.status, StatusCode::kOk);
}

TEST_F(ShardTest, PullWhoseAnswerWouldBeLargerThanAMessageIsRefused) {
  ShardOptions its = options(1);
  its.tables[0].dim = kDimMax;
  start(its);
  const auto ask = [&](Key keys) {
    Rows rows;
    for (Key key = 0; key < keys; ++key) rows[0][key] = {};
    Header asked = header(Op::kPull, 0, 1, 1);
    asked.flags = kPullReadOnly;
    give("w", rows_message(asked, rows, {kDimMax, 1}));
    return reply().header.status;
  };
  EXPECT_EQ(ask(1), StatusCode::kOk);
  EXPECT_EQ(ask(kMessageBytesMax / (kDimMax * sizeof(float)) + 1), StatusCode::kBadMessage);
}

TEST_F(ShardTest, BadMessageGetsAnErrorReplyAndIsCounted) {
  start(options(1));
  const Error why{ErrorCode::kInvalidArgument, "it is garbage"};
  sim_->shard->on_bad_message("x", zmq::message_t(std::string_view("gar")), why, 0);
  const Message refused = reply();
  EXPECT_EQ(refused.header.status, StatusCode::kBadMessage);
  EXPECT_THAT(std::string(refused.text()), HasSubstr("it is garbage"));
  EXPECT_EQ(sim_->metrics.refused(RefusalReason::kMalformed).Value(), 1);
}

TEST_F(ShardTest, RowWithAGradientThatIsNotFiniteIsLeftUntouchedAndCounted) {
  const float infinity = std::numeric_limits<float>::infinity();
  start(options(2));
  push(0, 1, 1, {{0, {{5, {1, infinity}}, {6, {1, 1}}, {7, {infinity, 0}}}}});
  // The sum over workers is validated, not the part of one.
  push(1, 1, 1, {{0, {{7, {-infinity, 0}}, {8, {2, 2}}}}});
  sim_->settle();
  sim_->take_replies();
  EXPECT_EQ(stats()["gradients_not_finite"], 2u);
  const auto rows = stored(1);
  EXPECT_EQ(rows.size(), 2u);
  EXPECT_TRUE(rows.contains("0/6") && rows.contains("0/8"));
  std::vector<float> expected = initial(0, 8);
  for (float& weight : expected) weight -= 2;
  pull(0, 2, {{0, {{8, {}}}}});
  EXPECT_EQ(floats_of(reply()), expected);
}

TEST_F(ShardTest, CountRisesByOneAStepHoweverManyWorkersHoldTheKey) {
  start(options(2));
  push(0, 1, 1, {{0, {{5, {0, 0}}}}});
  push(1, 1, 1, {{0, {{5, {0, 0}}}}});
  sim_->settle();
  sim_->take_replies();
  EXPECT_THAT(stored(1).at("0/5"), HasSubstr(" 1 1"));
}

TEST_F(ShardTest, PingTellsWhosePushIsMissingWhateverWaits) {
  start(options(3));
  push(1, 1, 1, {});
  pull(1, 2, {});
  sim_->settle();
  sim_->take_replies();
  give("w", text_message(header(Op::kPing, 1, 1, 0), ""));
  const auto pong = nlohmann::json::parse(reply().text());
  EXPECT_EQ(pong["missing"], (std::vector<uint32_t>{0, 2}));
  EXPECT_EQ(pong["applied_step"], 0u);
}

TEST_F(ShardTest, CheckpointWaitsForItsStepAndHoldsBackLaterOnes) {
  start(options(1));
  const auto ask = [&](uint64_t step, const std::string& text) {
    give("w", text_message(header(Op::kCheckpoint, 0, 50, step), text));
  };
  ask(1, R"({"folder":"c"})");
  sim_->settle();
  EXPECT_TRUE(sim_->replies.empty());
  push(0, 1, 1, {{0, {{5, {1, 1}}}}});
  push(0, 2, 2, {{0, {{6, {1, 1}}}}});
  ask(1, R"({"folder":"c"})");  // it comes again
  ask(1, R"({"folder":"other"})");
  EXPECT_EQ(reply().header.status, StatusCode::kFailed);
  sim_->settle();
  auto replies = sim_->take_replies();
  ASSERT_EQ(replies.size(), 3u);
  EXPECT_EQ(replies[2].message.header.op, Op::kCheckpoint);
  const auto answer = nlohmann::json::parse(replies[2].message.text());
  EXPECT_EQ(answer["rows"], (std::vector<uint64_t>{1, 0}));
  EXPECT_EQ(sim_->store.rows_in("c")->size(), 1u);
  EXPECT_EQ(stats()["applied_step"], 2u);  // goes on behind it
  ask(1, R"({"folder":"c"})");             // the answer was lost
  EXPECT_EQ(reply().text(), replies[2].message.text());
  ask(1, R"({"folder":"d"})");
  EXPECT_EQ(reply().header.status, StatusCode::kFailed);
  // Another request, for a folder that may have been removed meanwhile, is not the same.
  give("w", text_message(header(Op::kCheckpoint, 0, 51, 1), R"({"folder":"c"})"));
  EXPECT_EQ(reply().header.status, StatusCode::kFailed);
  for (const char* text : {"", "{", "[]", "{}", R"({"folder":1})"}) {
    ask(2, text);
    EXPECT_EQ(reply().header.status, StatusCode::kBadMessage);
  }
}

TEST_F(ShardTest, CheckpointThatTheDiskRefusesIsReportedAndTheShardGoesOn) {
  start(options(1));
  give("w", text_message(header(Op::kCheckpoint, 0, 50, 0), R"({"folder":"c"})"));
  ASSERT_EQ(sim_->store.pending(), 1u);
  sim_->store.fail(0, {ErrorCode::kUnavailable, "the disk is full"});
  sim_->settle();
  const Message failed = reply();
  EXPECT_EQ(failed.header.status, StatusCode::kFailed);
  EXPECT_THAT(std::string(failed.text()), HasSubstr("the disk is full"));
  push(0, 1, 1, {});
  sim_->settle();
  EXPECT_EQ(reply().header.status, StatusCode::kOk);
}

TEST_F(ShardTest, LogFailureEndsTheShardWithOneMessage) {
  start(options(1));
  push(0, 1, 1, {{0, {{5, {1, 1}}}}});
  pull(0, 2, {});
  sim_->log.fail({ErrorCode::kUnavailable, "cannot write log-1"});
  sim_->settle();
  ASSERT_EQ(sim_->failures.size(), 1u);
  EXPECT_EQ(sim_->failures[0].message, "shard 0: cannot write log-1");
  // Who waits learns it, and who comes later too.
  pull(0, 1, {});
  auto replies = sim_->take_replies();
  ASSERT_EQ(replies.size(), 3u);
  for (const auto& [peer, message] : replies) {
    EXPECT_EQ(message.header.status, StatusCode::kFailed);
    EXPECT_EQ(message.text(), "shard 0: cannot write log-1");
  }
}

}  // namespace
}  // namespace cairn::ps
