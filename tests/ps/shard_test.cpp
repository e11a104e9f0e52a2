#include "ps/shard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "common/values.h"
#include "ps/initializer.h"
#include "tests/ps/simulated_shard.h"
#include "tests/seed.h"

namespace cairn {
namespace {

using testing::HasSubstr;
using Rows = std::map<uint32_t, KeyValues>;

constexpr uint64_t kIncarnation = 9;
const std::vector<uint32_t> kDims = {2, 1};

ShardOptions options(uint32_t workers) {
  ShardOptions options{.incarnation = kIncarnation, .boot = 4, .workers = workers};
  options.seed = test_seed();
  options.hot_bytes = uint64_t{1} << 30;
  options.log_bytes_max = uint64_t{1} << 30;
  options.tables = {{.name = "a", .dim = 2}, {.name = "b", .dim = 1}};
  for (TableConfig& table : options.tables)
    table.optimizer = {.name = "sgd", .learning_rate = 1.0f};
  return options;
}

class ShardTest : public testing::Test {
 protected:
  void start(const ShardOptions& options) {
    options_ = options;
    sim_ = std::make_unique<SimulatedShard>(options);
    sim_->settle();
  }

  Header header(Op op, uint32_t worker, uint64_t sequence, uint64_t step) const {
    return {.op = op,
            .incarnation = kIncarnation,
            .sequence = sequence,
            .step = step,
            .worker = worker,
            .map_version = 1};
  }
  void give(const Peer& peer, Message message) {
    sim_->shard->on_message(peer, std::move(message), 0);
  }
  void pull(uint32_t worker, uint64_t step, const Rows& keys, uint32_t flags = 0) {
    Header its = header(Op::kPull, worker, ++request_, step);
    its.flags = flags;
    give("w", rows_message(its, keys, kDims));
  }
  void push(uint32_t worker, uint64_t sequence, uint64_t step, const Rows& gradients,
            const Peer& peer = "w") {
    give(peer, rows_message(header(Op::kPush, worker, sequence, step), gradients, kDims));
  }
  // The only reply that has come since the last call.
  Message reply() {
    std::vector<SimulatedShard::Reply> replies = sim_->take_replies();
    EXPECT_EQ(replies.size(), 1u);
    return replies.empty() ? Message{} : std::move(replies[0].message);
  }
  nlohmann::json stats() {
    give("w", text_message(header(Op::kStats, 0, 0, 0), ""));
    return nlohmann::json::parse(reply().text());
  }
  std::vector<float> initial(uint32_t table, Key key) const {
    std::vector<float> weights(kDims[table]);
    initial_weights(options_.tables[table].initializer, options_.seed, table, key, weights);
    return weights;
  }
  // Rows that a checkpoint of `step` holds, "table/key" -> floats, count and last step.
  std::map<std::string, std::string> stored(uint64_t step) {
    const std::string folder = std::to_string(++request_);
    give("w", text_message(header(Op::kCheckpoint, 0, request_, step),
                           nlohmann::json{{"folder", folder}}.dump()));
    sim_->settle();
    EXPECT_EQ(reply().header.status, StatusCode::kOk);
    std::map<std::string, std::string> rows;
    for (const auto& [key, value] : *sim_->store.rows_in(folder)) {
      std::string& row = rows[std::to_string(key.table) + "/" + std::to_string(key.key)];
      for (const float f : value.floats) row += std::to_string(f) + " ";
      row += std::to_string(value.entry.count) + " " + std::to_string(value.entry.last_step);
    }
    return rows;
  }

  ShardOptions options_;
  std::unique_ptr<SimulatedShard> sim_;
  uint64_t request_ = 0;
};

TEST_F(ShardTest, PullIsParkedUntilTheStepBeforeIsAppliedAndItsCommitIsLogged) {
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
  EXPECT_EQ(replies[1].message.header.boot, 4u);
  std::vector<float> expected = initial(0, 5);
  expected[0] -= 1;
  expected[1] -= 2;
  EXPECT_EQ(floats_of(replies[1].message), expected);
}

TEST_F(ShardTest, ParkedPullThatComesAgainIsAnsweredOnceToWhoeverAskedLast) {
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

TEST_F(ShardTest, EarlyPullIsAnsweredAtOnceAndSaysHowFarItGoes) {
  start(options(2));
  push(0, 1, 1, {{0, {{5, {1, 1}}}}});
  pull(0, 3, {{0, {{5, {}}}}}, kPullEarly);
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
  for (const uint32_t flags : {0u, uint32_t{kPullEarly}, uint32_t{kPullReadOnly}}) {
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
    its.flags = op == Op::kPull ? uint32_t{4} : uint32_t{kPullEarly};
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
  // The sum over workers is judged, not the part of one.
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
  ASSERT_LT(sequence, 40u);  // 16 until a sweep, and some of the rest while it gets nowhere
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
  // Nothing is applied, so no sweep can free the log.
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
  ASSERT_EQ(sim_->store.pending(), 1u);  // the run that would clean the row
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
}  // namespace cairn
