// Answers where rows are at hand already: pulls with a known step, and the early ones
// whose answers they follow.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "ps/row/initializer.h"
#include "tests/ps/shard/simulated_shard.h"
#include "tests/seed.h"

namespace cairn::ps {
namespace {

constexpr uint64_t kIncarnation = 9, kServerRun = 4;
const std::vector<uint32_t> kDims = {2, 1};

class ShardKnownTest : public testing::Test {
 protected:
  ShardOptions options() const {
    ShardOptions options{.incarnation = kIncarnation, .server_run = kServerRun};
    options.seed = test_seed();
    options.hot_bytes = options.log_bytes_max = uint64_t{1} << 30;
    options.tables = {{.name = "a", .dim = 2}, {.name = "b", .dim = 1}};
    for (TableConfig& table : options.tables)
      table.optimizer = {.name = "sgd", .learning_rate = 1.0f};
    return options;
  }
  // A row goes two steps after it was last seen.
  ShardOptions expiring() const {
    ShardOptions expiring = options();
    expiring.removal_period = 1;
    expiring.tables[0].expiry.unseen_steps = 2;
    return expiring;
  }
  void start(const ShardOptions& options) {
    sim_ = std::make_unique<SimulatedShard>(options);
    sim_->settle();
  }
  // Pushes as the one worker, whose sequence is the step. A gradient of 1 for each key.
  void push(uint64_t step, const std::vector<Key>& keys) {
    std::map<uint32_t, KeyValues> gradients;
    for (const Key key : keys) gradients[0][key] = {1, 1};
    const Header header{.op = Op::kPush,
                        .incarnation = kIncarnation,
                        .sequence = step,
                        .step = step,
                        .map_version = 1};
    sim_->shard->on_message("w", rows_message(header, gradients, kDims), 0);
    for (const Key key : keys) ++changes_[key];
  }
  void apply(uint64_t step, const std::vector<Key>& keys) {
    push(step, keys);
    sim_->settle();
    sim_->take_replies();
  }

  struct Section {
    std::vector<Key> keys;
    uint64_t changed_since = 0;
  };
  void pull(uint64_t step, const std::vector<Section>& sections, uint64_t server_run = kServerRun,
            uint32_t flags = 0) {
    Message message;
    message.header = {.op = Op::kPull,
                      .incarnation = kIncarnation,
                      .server_run = server_run,
                      .sequence = ++request_,
                      .step = step,
                      .map_version = 1,
                      .tables = static_cast<uint32_t>(sections.size()),
                      .flags = flags};
    std::vector<Key> keys;
    for (const Section& section : sections) {
      message.directory.push_back({.count = static_cast<uint32_t>(section.keys.size()),
                                   .dim = kDims[0],
                                   .changed_since = section.changed_since});
      keys.insert(keys.end(), section.keys.begin(), section.keys.end());
    }
    message.keys = zmq::message_t(keys.data(), keys.size() * sizeof(Key));
    asked_ = copy_of(message);
    sim_->shard->on_message("w", std::move(message), 0);
  }

  // The only reply that has come, as a worker gets it: keys and their weights, {} where a bit says
  // that they have not changed.
  struct Answer {
    Header header;
    std::vector<std::pair<Key, std::vector<float>>> rows;
  };
  Answer answer() {
    std::vector<SimulatedShard::Reply> replies = sim_->take_replies();
    EXPECT_EQ(replies.size(), 1u);
    if (replies.empty()) return {};
    std::vector<zmq::message_t> parts = to_parts(std::move(replies[0].message));
    const Result<Message> parsed = parse_message(parts);
    if (!parsed.ok()) ADD_FAILURE() << parsed.error().message;
    if (!parsed.ok()) return {};
    const Message& reply = parsed.value();
    EXPECT_TRUE(answers(reply, asked_));
    Answer answer{reply.header, {}};
    const std::vector<float> floats = floats_of(reply);
    const auto* bits = reply.keys.data<uint8_t>();
    size_t key_at = 0, float_at = 0;
    for (const TableEntry& entry : reply.directory) {
      for (uint32_t i = 0; i < entry.count; ++i, ++key_at) {
        std::vector<float> weights;
        if (entry.changed_since == 0 || !is_unchanged(bits, i)) {
          weights = {floats.at(float_at), floats.at(float_at + 1)};
          float_at += 2;
        }
        answer.rows.emplace_back(asked_.key(key_at), weights);
      }
      bits += unchanged_bytes(entry);
    }
    EXPECT_EQ(float_at, floats.size());
    return answer;
  }
  // As they stand after the pushes so far.
  std::pair<Key, std::vector<float>> row(Key key) { return {key, weights(key, changes_[key])}; }
  static std::pair<Key, std::vector<float>> unchanged(Key key) { return {key, {}}; }
  static std::vector<float> weights(Key key, int changes) {
    std::vector<float> weights(2);
    initial_weights({}, test_seed(), 0, key, weights);
    for (; changes > 0; --changes)
      for (float& weight : weights) weight -= 1;
    return weights;
  }
  using Rows = std::vector<std::pair<Key, std::vector<float>>>;

  nlohmann::json stats() {
    sim_->shard->on_message(
        "s", text_message({.op = Op::kStats, .incarnation = kIncarnation, .map_version = 1}, ""),
        0);
    const Message reply = std::move(sim_->replies.back().message);
    sim_->replies.pop_back();
    return nlohmann::json::parse(reply.text());
  }

  std::unique_ptr<SimulatedShard> sim_;
  std::map<Key, int> changes_;
  Message asked_;
  uint64_t request_ = 0;
};

TEST_F(ShardKnownTest, RowsThatHaveNotChangedAfterItAreLeftOutAndKeysWithoutARowNever) {
  start(options());
  apply(1, {5, 6, 7});
  apply(2, {6, 8});
  pull(3, {{{5, 6, 7, 8, 9}, 1}});
  EXPECT_EQ(answer().rows, (Rows{unchanged(5), row(6), unchanged(7), row(8), row(9)}));
  pull(3, {{{5, 6, 7, 8, 9}, 2}});
  EXPECT_EQ(answer().rows, (Rows{unchanged(5), unchanged(6), unchanged(7), unchanged(8), row(9)}));
  pull(3, {{{5, 6, 9}}});
  EXPECT_EQ(answer().rows, (Rows{row(5), row(6), row(9)}));
  EXPECT_EQ(stats()["pull_rows"], 13u);
  EXPECT_EQ(stats()["pull_rows_unchanged"], 6u);
}

TEST_F(ShardKnownTest, ATableMayHaveKeysThatAreKnownAndKeysThatAreNot) {
  start(options());
  apply(1, {5, 6, 7});
  apply(2, {6});
  pull(3, {{{5, 6}}, {{6, 7}, 1}, {{5, 6}, 2}});
  EXPECT_EQ(answer().rows,
            (Rows{row(5), row(6), row(6), unchanged(7), unchanged(5), unchanged(6)}));
}

TEST_F(ShardKnownTest, WhatAnotherServerToldIsNotKnown) {
  start(options());
  apply(1, {5, 6});
  for (const uint64_t server_run : {uint64_t{0}, kServerRun - 1, kServerRun + 1}) {
    pull(2, {{{7}}, {{5, 6}, 1}, {{5}, 2}}, server_run);
    EXPECT_EQ(answer().rows, (Rows{row(7), row(5), row(6), row(5)}));
  }
}

TEST_F(ShardKnownTest, TheNextServerAnswersInFull) {
  start(options());
  apply(1, {5, 6});
  RandomStream random(test_seed(), 1);
  sim_->crash(random);
  sim_->settle();
  pull(2, {{{5, 6}, 1}});
  EXPECT_EQ(answer().rows, (Rows{row(5), row(6)}));
  pull(2, {{{5, 6}, 1}}, kServerRun + 1);
  EXPECT_EQ(answer().rows, (Rows{unchanged(5), unchanged(6)}));
}

TEST_F(ShardKnownTest, ARowThatIsGoneIsAnsweredInFullThoughItNeverChangedAfterTheChangedSince) {
  start(expiring());
  apply(1, {5});
  pull(4, {{{5}}}, kServerRun, kPullSpeculative);
  EXPECT_EQ(answer().rows, (Rows{row(5)}));
  apply(2, {6});
  apply(3, {6});  // 5 goes
  changes_[5] = 0;
  pull(4, {{{5, 6}, 1}});
  EXPECT_EQ(answer().rows, (Rows{row(5), row(6)}));
  pull(4, {{{5, 6}, 3}});
  EXPECT_EQ(answer().rows, (Rows{row(5), unchanged(6)}));
  apply(4, {5});
  pull(5, {{{5, 6}, 3}});
  EXPECT_EQ(answer().rows, (Rows{row(5), unchanged(6)}));
}

TEST_F(ShardKnownTest, ASpeculativeAnswerSaysWhetherItIsThatOfTheStepsTurn) {
  start(options());
  pull(1, {{{5}}}, kServerRun, kPullSpeculative);
  EXPECT_EQ(answer().header.flags, 0u);
  pull(2, {{{5}}}, kServerRun, kPullSpeculative);
  Answer early = answer();
  EXPECT_EQ(early.header.flags, uint32_t{kPullSpeculative});
  EXPECT_EQ(early.header.step, 0u);
  push(1, {5});
  pull(2, {{{5}}}, kServerRun, kPullSpeculative);  // applied, and not logged
  early = answer();
  EXPECT_EQ(early.header.flags, uint32_t{kPullSpeculative});
  EXPECT_EQ(early.header.step, 1u);
  EXPECT_EQ(early.rows, (Rows{row(5)}));
  pull(2, {{{5, 6}, 1}});
  EXPECT_TRUE(sim_->replies.empty());  // deferred
  sim_->settle();
  sim_->replies.erase(sim_->replies.begin());  // the push's
  EXPECT_EQ(answer().rows, (Rows{unchanged(5), row(6)}));
  pull(2, {{{5}}}, kServerRun, kPullSpeculative | kPullReadOnly);
  EXPECT_EQ(answer().header.flags, uint32_t{kPullReadOnly});
}

TEST_F(ShardKnownTest, ASpeculativeAnswerDoesNotClaimAStepWhoseRowsAreStillExamined) {
  start(expiring());
  apply(1, {5});
  // A checkpoint fills the store, of which slots are read from now on, and that takes a while.
  sim_->shard->on_message("c",
                          text_message({.op = Op::kCheckpoint,
                                        .incarnation = kIncarnation,
                                        .sequence = 50,
                                        .step = 1,
                                        .map_version = 1},
                                       R"({"folder":"c"})"),
                          0);
  sim_->settle();
  push(2, {6});
  sim_->store.complete_all();
  while (!sim_->posted.empty()) sim_->run_posted();
  ASSERT_EQ(sim_->store.pending(), 1u);
  push(3, {6});
  ASSERT_EQ(stats()["applied_step"], 3u);
  sim_->take_replies();
  pull(4, {{{5, 6}}}, kServerRun, kPullSpeculative);
  const Answer early = answer();
  EXPECT_EQ(early.header.flags, uint32_t{kPullSpeculative});
  EXPECT_EQ(early.header.step, 2u);
  EXPECT_EQ(early.rows, (Rows{row(5), row(6)}));
  sim_->settle();  // 5 goes
  changes_[5] = 0;
  sim_->take_replies();
  pull(4, {{{5, 6}, 2}});
  EXPECT_EQ(answer().rows, (Rows{row(5), row(6)}));
}

// Rows 1..100 are in the store alone: there is no room in memory.
class ColdShardKnownTest : public ShardKnownTest {
 protected:
  void SetUp() override {
    ShardOptions cold = options();
    cold.hot_bytes = 1;
    start(cold);
    std::vector<Key> keys;
    for (Key key = 1; key <= 100; ++key) keys.push_back(key);
    apply(1, keys);
    while (stats()["hot_rows"] > 0) sim_->settle();  // the clock spares rows at first
  }
};

TEST_F(ColdShardKnownTest, RowsAreReadFromTheStoreToSeeThatTheyHaveNotChangedAndStayForThePush) {
  pull(2, {{{3, 4, 500}, 1}});
  EXPECT_TRUE(sim_->replies.empty());
  sim_->settle();
  EXPECT_EQ(answer().rows, (Rows{unchanged(3), unchanged(4), row(500)}));
  const size_t reads = stats()["cold_reads"];
  for (int i = 0; i < 5; ++i) {
    pull(2, {{{static_cast<Key>(10 + i)}}}, kServerRun, kPullReadOnly);  // asks for room
    sim_->settle();
    sim_->take_replies();
  }
  apply(2, {3, 4, 500});
  EXPECT_EQ(stats()["cold_reads"], reads + 5);
}

TEST_F(ColdShardKnownTest, ASpeculativePullKeepsItsRowsInMemoryUntilThePushOfItsStep) {
  pull(3, {{{3, 500}}}, kServerRun, kPullSpeculative);
  sim_->settle();
  EXPECT_EQ(answer().rows, (Rows{row(3), row(500)}));
  apply(2, {10});
  const size_t reads = stats()["cold_reads"];
  for (int i = 0; i < 5; ++i) sim_->settle();
  pull(3, {{{3, 500}, 1}});
  EXPECT_EQ(answer().rows, (Rows{unchanged(3), row(500)}));
  apply(3, {3, 500});
  EXPECT_EQ(stats()["cold_reads"], reads);
}

TEST_F(ColdShardKnownTest, ASpeculativeAnswerDoesNotClaimTheStepOfWhichARowIsStillRead) {
  pull(2, {{{3}}});
  sim_->settle();
  sim_->take_replies();
  push(2, {3, 4});  // 3 is in memory, 4 is read from the store
  pull(3, {{{3}}}, kServerRun, kPullSpeculative);
  const Answer early = answer();
  EXPECT_EQ(early.header.step, 1u);
  EXPECT_EQ(early.rows, (Rows{row(3)}));
  sim_->settle();
  sim_->take_replies();
  pull(3, {{{3, 4}, 1}});
  sim_->settle();
  EXPECT_EQ(answer().rows, (Rows{row(3), row(4)}));
}

}  // namespace
}  // namespace cairn::ps
