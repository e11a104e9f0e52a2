// When a shard admits and removes rows, and in what order its log says so.
#include <gtest/gtest.h>

#include <array>

#include "ps/row/initializer.h"
#include "tests/ps/shard/simulated_shard.h"
#include "tests/seed.h"

namespace cairn::ps {
namespace {

using Rows = std::map<uint32_t, KeyValues>;

constexpr uint64_t kIncarnation = 9;
const Rows kFive = {{0, {{5, {1.0f, 2.0f}}}}}, kSix = {{0, {{6, {1.0f, 2.0f}}}}};

TableConfig table() {
  TableConfig table{.name = "a", .dim = 2};
  table.optimizer = {.name = "sgd", .learning_rate = 1.0f};
  return table;
}

class ShardPolicyTest : public testing::Test {
 protected:
  void start(const TableConfig& table) {
    ShardOptions options{.incarnation = kIncarnation, .server_run = 4};
    options.seed = test_seed();
    options.hot_bytes = options.log_bytes_max = uint64_t{1} << 30;
    options.removal_period = 1;
    options.tables = {table};
    sim_ = std::make_unique<SimulatedShard>(options);
    sim_->settle();
  }
  static Header header(Op op, uint64_t number) {
    return {.op = op,
            .incarnation = kIncarnation,
            .sequence = number,
            .step = number,
            .map_version = 1};
  }
  // Pushes as the one worker, whose sequence is the step.
  void push(uint64_t step, const Rows& gradients) {
    sim_->shard->on_message("w", rows_message(header(Op::kPush, step), gradients, {2}), 0);
  }
  // The store's contents after that, key -> count.
  std::map<Key, uint32_t> stored(uint64_t step) {
    const std::string folder = std::to_string(step);
    sim_->shard->on_message(
        "c", text_message(header(Op::kCheckpoint, step), R"({"folder":")" + folder + R"("})"), 0);
    sim_->settle();
    std::map<Key, uint32_t> rows;
    for (const auto& [key, value] : *sim_->store.rows_in(folder)) rows[key.key] = value.entry.count;
    return rows;
  }
  // "push 3", "delete 3" ...
  std::vector<std::string> logged_from(uint64_t step) {
    std::vector<std::string> records;
    for (const LogRecord& record : sim_->log.kept()) {
      if (record.kind == RecordKind::kPush && record.push->header.step >= step)
        records.push_back("push " + std::to_string(record.push->header.step));
      if (record.kind == RecordKind::kDelete)
        records.push_back("delete " + std::to_string(record.step));
    }
    return records;
  }

  std::unique_ptr<SimulatedShard> sim_;
};

TEST_F(ShardPolicyTest, ARowThatExpiredLeavesTheStore) {
  TableConfig unseen = table();
  unseen.expiry.unseen_steps = 2;
  start(unseen);
  push(1, kFive);
  EXPECT_EQ(stored(1), (std::map<Key, uint32_t>{{5, 1}}));
  push(2, kSix);
  push(3, kSix);
  EXPECT_EQ(stored(3), (std::map<Key, uint32_t>{{6, 2}}));
  EXPECT_EQ(sim_->metrics.removed(RemovalReason::kUnseen).Value(), 1);
  push(4, kFive);
  EXPECT_EQ(stored(4), (std::map<Key, uint32_t>{{5, 1}, {6, 2}}));
}

// Otherwise replay in the order of the log would delete the row that step 4 made anew.
TEST_F(ShardPolicyTest, APushGetsNoLsnBeforeTheStepBeforeItsOwnIsOver) {
  TableConfig unseen = table();
  unseen.expiry.unseen_steps = 2;
  start(unseen);
  push(1, kFive);
  EXPECT_EQ(stored(1).size(), 1u);
  push(2, kSix);
  sim_->store.complete_all();
  while (!sim_->posted.empty()) sim_->run_posted();
  // Step 3 is over once the slots due after it are read from the store, and that takes a while.
  ASSERT_EQ(sim_->store.pending(), 1u);
  push(3, kSix);
  push(4, kFive);
  sim_->shard->on_message("w", rows_message(header(Op::kPush, 4), kFive, {2}), 0);  // again
  sim_->settle();
  EXPECT_EQ(logged_from(3), (std::vector<std::string>{"push 3", "delete 3", "push 4"}));
  EXPECT_EQ(stored(4), (std::map<Key, uint32_t>{{5, 1}, {6, 2}}));
}

TEST_F(ShardPolicyTest, APullSeesADeletionOnceItIsLogged) {
  TableConfig unseen = table();
  unseen.expiry.unseen_steps = 2;
  start(unseen);
  push(1, kFive);
  EXPECT_EQ(stored(1).size(), 1u);
  push(2, kSix);
  push(3, kSix);
  sim_->shard->on_message("w", rows_message(header(Op::kPull, 4), {{0, {{5, {}}}}}, {2}), 0);
  sim_->take_replies();
  while (sim_->store.pending() + sim_->posted.size() > 0) {
    sim_->store.complete_all();
    while (!sim_->posted.empty()) sim_->run_posted();
  }
  ASSERT_EQ(sim_->log.pending(), 3u);  // the pushes and the deletion
  sim_->log.complete(2);
  while (!sim_->posted.empty()) sim_->run_posted();
  for (const SimulatedShard::Reply& reply : sim_->take_replies())
    EXPECT_EQ(reply.message.header.op, Op::kPush);
  sim_->settle();
  const std::vector<SimulatedShard::Reply> replies = sim_->take_replies();
  ASSERT_EQ(replies.size(), 1u);
  std::vector<float> initial(2);
  initial_weights(unseen.initializer, test_seed(), 0, 5, initial);
  EXPECT_EQ(floats_of(replies[0].message), initial);
}

TEST_F(ShardPolicyTest, AKeyThatIsNotAdmittedHasNoRowAndTrainsNothing) {
  TableConfig by_count = table();
  by_count.admission = {.min_count = 3, .filter_bytes = 1024 * kSlots};
  start(by_count);
  push(1, kFive);
  push(2, kFive);
  EXPECT_TRUE(stored(2).empty());
  EXPECT_EQ(sim_->metrics.keys_refused.Value(), 2);
  push(3, kFive);
  EXPECT_EQ(stored(3), (std::map<Key, uint32_t>{{5, 1}}));
  EXPECT_EQ(sim_->metrics.keys_admitted.Value(), 1);
}

TEST_F(ShardPolicyTest, ACheckpointWithoutANewRowStillKeepsWhatWasCounted) {
  TableConfig by_count = table();
  by_count.admission = {.min_count = 3, .filter_bytes = 1024 * kSlots};
  start(by_count);
  push(1, kFive);
  EXPECT_TRUE(stored(1).empty());
  push(2, kFive);
  EXPECT_TRUE(stored(2).empty());
  // As of the replay start that the log has now, the newest that the checkpoint could hold.
  Lsn replay_after = 0;
  for (const LogRecord& record : sim_->log.kept())
    if (record.kind == RecordKind::kReplayStart) replay_after = record.replay_after;
  KeyFilter filter({}, 1024, test_seed());
  for (const SlotFilter& saved : sim_->store.filters(replay_after))
    ASSERT_TRUE(filter.load(saved.slot, saved.counters));
  EXPECT_EQ(filter.count(5), 2u);
  // The process dies and the next one admits the key in its third step.
  RandomStream random(test_seed(), 1);
  sim_->crash(random);
  sim_->settle();
  push(3, kFive);
  EXPECT_EQ(stored(3), (std::map<Key, uint32_t>{{5, 1}}));
}

HotRow* find_row(ShardRows& rows, Key key) {
  HotRow* row = nullptr;
  rows.tier().table(0).find({&key, 1}, &row);
  return row;
}

// Log rule 6. In a whole recovery the pushes behind the deletion would make the row anew, bit for
// bit, so the rule is held to here.
TEST(ShardRowsRemove, LeavesARowOfAHigherLsn) {
  auto rows = ShardRows::create({}, {table()}, test_seed(), 1 << 20).value();
  RowBatch found;
  found.entries.push_back({.key = {0, 5}, .lsn = 40, .last_step = 7, .count = 3});
  found.floats = {0.5f, 0.25f};
  const std::vector<RowKey> keys = {{0, 5}};
  rows->install(keys, found, 0);
  rows->remove(0, 5, 39);
  EXPECT_EQ(find_row(*rows, 5)->meta.count, 3u);
  EXPECT_FALSE(find_row(*rows, 5)->dirty());
  rows->remove(0, 5, 41);
  EXPECT_EQ(find_row(*rows, 5)->meta.count, 0u);
  EXPECT_TRUE(find_row(*rows, 5)->dirty());
}

// A key pulled for a later step gets a row, loses it, and that step comes: what says that the store
// holds an old row must stay.
TEST(ShardRowsRemove, KeepsTheTombstoneOfAKeyThatWasPulledBeforeItHadARow) {
  auto rows = ShardRows::create({}, {table()}, test_seed(), 1 << 20).value();
  const Key key = 5;
  std::array<char, 8> weights;
  std::vector<RowKey> missing;
  rows->read(0, {&key, 1}, 5, ShardRows::Absent::kMakeRow, {}, ValueType::kFloat32, weights.data(),
             missing);
  ShardRows::Deferred deferred;
  const std::array<float, 2> gradient = {1, 2};
  rows->apply(0, {&key, 1}, gradient.data(), {.step = 3, .lsn = 10, .create = true}, deferred);
  rows->drop_placeholders(3);
  rows->remove(0, key, 11);
  rows->drop_placeholders(5);
  ASSERT_NE(find_row(*rows, key), nullptr);
  EXPECT_TRUE(find_row(*rows, key)->dirty());
}

TEST(ShardRowsRemove, IsNotUndoneByAReadThatBeganBefore) {
  TableConfig unseen = table();
  unseen.expiry.unseen_steps = 2;
  auto rows = ShardRows::create({}, {unseen}, test_seed(), 1 << 20).value();
  rows->remove(0, 5, 11);
  RowBatch found;
  found.entries.push_back({.key = {0, 5}, .lsn = 4, .last_step = 7, .count = 3});
  found.floats = {0.5f, 0.25f};
  const std::vector<RowKey> keys = {{0, 5}};
  rows->install(keys, found, 8);
  EXPECT_EQ(rows->tier().rows(), 1u);
  EXPECT_EQ(find_row(*rows, 5)->meta.count, 0u);
  EXPECT_EQ(find_row(*rows, 5)->pin(), 8u);
}

}  // namespace
}  // namespace cairn::ps
