#include "ps/store/rocks_store.h"

#include <gtest/gtest.h>

#include "tests/common/temporary_folder.h"
#include "tests/ps/store/rows.h"
#include "tests/seed.h"

namespace cairn::ps {
namespace {

namespace fs = std::filesystem;

class RocksStoreTest : public testing::Test {
 protected:
  std::unique_ptr<RocksStore> open() {
    auto store = RocksStore::open(path_, tables_);
    EXPECT_TRUE(store.ok()) << store.error().message;
    return std::move(store).value();
  }
  RowMap save_some(RocksStore& store, Lsn lsn, size_t rows = 300) {
    const RowMap run = random_rows(random_, lsn, rows);
    EXPECT_TRUE(store.save_flush_file(run_of(run)).ok());
    return run;
  }
  RowMap scan(const RocksStore& store, SlotRange slots = {}) {
    RowMap rows;
    RowKey last;
    const Status status = store.scan(slots, [&](const StoredRow& row) -> Status {
      EXPECT_TRUE(rows.empty() || last < row.entry.key);
      last = row.entry.key;
      rows[last] = {row.entry.lsn,
                    row.entry.last_step,
                    row.entry.count,
                    {row.floats.begin(), row.floats.end()}};
      return Ok{};
    });
    EXPECT_TRUE(status.ok());
    return rows;
  }
  // As a process leaves it that is in the middle of one.
  fs::path begin_run() const {
    fs::path run = path_ / "incoming" / "run.sst";
    std::FILE* const file = std::fopen(run.c_str(), "wb");
    std::fputs("half a run", file);
    std::fclose(file);
    return run;
  }

  TemporaryFolder folder_;
  const fs::path path_ = folder_.path() / "store";
  const std::vector<TableConfig> tables_ = some_tables();
  RandomStream random_{test_seed(), 13};
};

TEST_F(RocksStoreTest, AReopenedStoreReturnsEveryRun) {
  RowMap expected;
  {
    const auto store = open();
    for (Lsn lsn = 1; lsn <= 12; ++lsn) apply_run(expected, save_some(*store, lsn * 10));
  }
  const auto store = open();
  EXPECT_EQ(scan(*store), expected);
  EXPECT_EQ(map_of(store->read(keys_of(expected)).value()), expected);
  EXPECT_EQ(store->highest_lsn(), 120u);
  EXPECT_FALSE(store->empty());
}

TEST_F(RocksStoreTest, AScanOfSlotsGivesTheRowsOfThoseSlotsAlone) {
  const auto store = open();
  const RowMap rows = save_some(*store, 1, 1000);
  const uint32_t first = 3000, last = 9000;
  RowMap expected;
  for (const auto& [key, row] : rows)
    if (slot_of(key.key) >= first && slot_of(key.key) < last) expected[key] = row;
  EXPECT_EQ(scan(*store, {first, last}), expected);
  EXPECT_TRUE(scan(*store, {5, 5}).empty());
}

TEST_F(RocksStoreTest, OtherTablesAreRefused) {
  open();
  const auto refused = [&](auto change) {
    std::vector<TableConfig> other = tables_;
    change(other);
    const auto store = RocksStore::open(path_, other);
    return !store.ok() && store.error().code == ErrorCode::kCorrupt;
  };
  EXPECT_TRUE(refused([](auto& tables) { tables[1].dim += 1; }));
  EXPECT_TRUE(refused([](auto& tables) { tables[1].name = "other"; }));
  EXPECT_TRUE(refused([](auto& tables) { tables[1].optimizer.name = "adam"; }));
  EXPECT_TRUE(refused([](auto& tables) { tables[1].dtype = ValueType::kBfloat16; }));
  EXPECT_TRUE(refused([](auto& tables) { tables.pop_back(); }));
  EXPECT_TRUE(refused([](auto& tables) { std::swap(tables[0], tables[1]); }));
  EXPECT_FALSE(refused([](auto& tables) { tables[1].optimizer.learning_rate = 7; }));
}

TEST_F(RocksStoreTest, AStoreIsOpenedOnceAndARefusedOneTouchesNothing) {
  const auto store = open();
  const fs::path run = begin_run();
  const auto again = RocksStore::open(path_, tables_);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(fs::exists(run));
}

TEST_F(RocksStoreTest, ADamagedTableFileIsRefusedByName) {
  RowMap rows;
  {
    const auto store = open();
    rows = save_some(*store, 1, 2000);
  }
  fs::path damaged;
  for (const auto& entry : fs::directory_iterator(path_))
    if (entry.path().extension() == ".sst" && entry.file_size() > 10'000) damaged = entry.path();
  ASSERT_FALSE(damaged.empty());
  std::FILE* const file = std::fopen(damaged.c_str(), "r+b");
  ASSERT_EQ(std::fseek(file, 5000, SEEK_SET), 0);
  const int byte = std::fgetc(file);
  std::fseek(file, 5000, SEEK_SET);
  std::fputc(byte ^ 1, file);
  std::fclose(file);

  const auto store = open();
  const Result<RowBatch> read = store->read(keys_of(rows));
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(read.error().message.find(damaged.filename()), std::string::npos)
      << read.error().message;
}

TEST_F(RocksStoreTest, BacklogCountsRunsUntilTheyAreCompacted) {
  const auto store = open();
  EXPECT_EQ(store->backlog(), 0u);
  // Runs that overlap each go above the one before, so seven levels are enough for six of them.
  for (Lsn lsn = 1; lsn <= 8; ++lsn) save_some(*store, lsn);
  EXPECT_GE(store->backlog(), 1u);
}

TEST_F(RocksStoreTest, ACheckpointSharesTableFilesWithTheStore) {
  const auto store = open();
  save_some(*store, 1);
  const Result<ShardFiles> files = store->checkpoint(folder_.path() / "checkpoint");
  ASSERT_TRUE(files.ok()) << files.error().message;
  size_t linked = 0, listed = 0;
  for (const auto& file : files.value().files) {
    const fs::path path = folder_.path() / "checkpoint" / file.name;
    EXPECT_EQ(fs::file_size(path), file.bytes);
    if (path.extension() == ".sst" && fs::hard_link_count(path) == 2) ++linked;
    ++listed;
  }
  EXPECT_GE(linked, 1u);
  for (const auto& entry : fs::directory_iterator(folder_.path() / "checkpoint")) {
    (void)entry;
    --listed;
  }
  EXPECT_EQ(listed, 0u);
}

TEST_F(RocksStoreTest, WhatACrashLeftOfARunIsRemoved) {
  open();
  const fs::path left = begin_run();
  EXPECT_TRUE(scan(*open()).empty());
  EXPECT_FALSE(fs::exists(left));
}

TEST_F(RocksStoreTest, TheHighestLsnOnlyRises) {
  const auto store = open();
  save_some(*store, 9);
  ASSERT_TRUE(store->raise_highest_lsn(5).ok());
  EXPECT_EQ(store->highest_lsn(), 9u);
  ASSERT_TRUE(store->raise_highest_lsn(50).ok());
  EXPECT_EQ(store->highest_lsn(), 50u);
}

using RocksStoreDeathTest = RocksStoreTest;

TEST_F(RocksStoreDeathTest, KeysOutOfOrderAreABug) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  const auto store = open();
  FlushFile run = run_of(random_rows(random_, 1, 10));
  std::swap(run.rows.entries[0], run.rows.entries[1]);
  EXPECT_DEATH((void)store->save_flush_file(run), "ascend");
}

}  // namespace
}  // namespace cairn::ps
