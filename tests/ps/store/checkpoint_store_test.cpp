#include "ps/store/checkpoint_store.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/common/temporary_folder.h"
#include "tests/ps/store/rows.h"
#include "tests/seed.h"

namespace cairn::ps {
namespace {

namespace fs = std::filesystem;

RowMap rows_in(const RocksStore& store, SlotRange slots = {}) {
  RowMap rows;
  const Status status = store.scan(slots, [&](const StoredRow& row) -> Status {
    rows[row.entry.key] = {row.entry.lsn,
                           row.entry.last_step,
                           row.entry.count,
                           {row.floats.begin(), row.floats.end()}};
    return Ok{};
  });
  EXPECT_TRUE(status.ok());
  return rows;
}

// Names, sizes and times of everything in a folder.
std::vector<std::string> listing(const fs::path& folder) {
  std::vector<std::string> lines;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    lines.push_back(fmt::format("{} {} {}", entry.path().string(),
                                entry.is_regular_file() ? entry.file_size() : 0,
                                entry.last_write_time().time_since_epoch().count()));
  std::sort(lines.begin(), lines.end());
  return lines;
}

class CheckpointStoreTest : public testing::Test {
 protected:
  // Divides random rows, and filters, over shards and has each write its part.
  CheckpointSource write_checkpoint(uint32_t shards, std::span<const SlotFilter> filters = {}) {
    CheckpointSource source;
    source.folder = folder_.path() / fmt::format("checkpoint-of-{}", shards);
    fs::create_directories(source.folder);
    source.manifest.step = 77;
    source.manifest.tables = tables_;
    const SlotMap map{1, shards};
    for (uint32_t k = 0; k < shards; ++k) {
      const std::string name = fmt::format("shard-{:03}", k);
      RowMap part;
      for (const auto& [key, row] : rows_)
        if (map.shard_of(key.key) == k) part.insert({key, row});
      auto made = make_store(folder_.path() / fmt::format("live-{}-{}", shards, k), tables_,
                             map.range_of(k), std::nullopt);
      RocksStore& store = *made.value().store;
      EXPECT_TRUE(store.save_flush_file(run_of(part)).ok());
      for (const SlotFilter& filter : filters) {
        if (!map.range_of(k).contains(filter.slot)) continue;
        const SlotFilter older{filter.table, filter.slot, "older"};
        EXPECT_TRUE(store.save_filters(2, {&older, 1}).ok());
        EXPECT_TRUE(store.save_filters(100 + k, {&filter, 1}).ok());
      }
      const Result<ShardFiles> files = store.checkpoint(source.folder / name);
      source.manifest.shards.push_back({name, map.range_of(k)});
      for (const auto& file : files.value().files)
        source.manifest.files.push_back({name + "/" + file.name, file.bytes, ""});
    }
    return source;
  }
  RowMap rows_of_slots(SlotRange slots) const {
    RowMap part;
    for (const auto& [key, row] : rows_)
      if (slots.contains(slot_of(key.key))) part.insert({key, row});
    return part;
  }
  fs::path new_folder() { return folder_.path() / fmt::format("new-{}", ++made_); }

  TemporaryFolder folder_;
  RandomStream random_{test_seed(), 14};
  const std::vector<TableConfig> tables_ = some_tables();
  const RowMap rows_ = [&] {
    RowMap rows;
    for (Lsn lsn = 1; lsn <= 9; ++lsn) apply_run(rows, random_rows(random_, lsn, 200));
    return rows;
  }();
  int made_ = 0;
};

TEST_F(CheckpointStoreTest, AStoreOfNothingIsEmptyAndStartsAtLsnOne) {
  const auto made = make_store(new_folder(), tables_, {}, std::nullopt);
  ASSERT_TRUE(made.ok());
  EXPECT_TRUE(made.value().store->empty());
  EXPECT_EQ(made.value().next_lsn, 1u);
  EXPECT_EQ(made.value().applied_step, 0u);
}

TEST_F(CheckpointStoreTest, LoadsOnAnyNumberOfShardsAndLeavesTheCheckpointAsItWas) {
  for (const uint32_t from : {1, 4}) {
    const CheckpointSource source = write_checkpoint(from);
    const auto before = listing(source.folder);
    for (const uint32_t to : {1, 3, 4}) {
      const SlotMap map{1, to};
      RowMap all;
      for (uint32_t k = 0; k < to; ++k) {
        const auto made = make_store(new_folder(), tables_, map.range_of(k), source);
        ASSERT_TRUE(made.ok()) << made.error().message;
        const RowMap rows = rows_in(*made.value().store);
        EXPECT_EQ(rows, rows_of_slots(map.range_of(k)));
        EXPECT_EQ(made.value().applied_step, 77u);
        for (const auto& [key, row] : rows) EXPECT_LT(row.lsn, made.value().next_lsn);
        all.insert(rows.begin(), rows.end());
      }
      EXPECT_EQ(all, rows_);
    }
    EXPECT_EQ(listing(source.folder), before);
  }
}

TEST_F(CheckpointStoreTest, FiltersGoWithTheirSlotsToAnyNumberOfShards) {
  std::vector<SlotFilter> newest;
  for (uint32_t slot = 0; slot < kSlots; slot += 1000)
    newest.push_back({1, slot, std::string(16, static_cast<char>(random_.next_u32()))});
  for (const uint32_t from : {1, 4}) {
    const CheckpointSource source = write_checkpoint(from, newest);
    for (const uint32_t to : {1, 3, 4}) {
      std::vector<SlotFilter> all;
      for (uint32_t k = 0; k < to; ++k) {
        const auto made = make_store(new_folder(), tables_, SlotMap{1, to}.range_of(k), source);
        ASSERT_TRUE(made.ok()) << made.error().message;
        // The log that starts behind them recovers with them, and no other version is left.
        const RocksStore& store = *made.value().store;
        EXPECT_EQ(store.filters(made.value().next_lsn - 1).value(), made.value().filters);
        EXPECT_EQ(store.newest_filters({}).value(), made.value().filters);
        all.insert(all.end(), made.value().filters.begin(), made.value().filters.end());
      }
      EXPECT_EQ(all, newest);
    }
  }
}

TEST_F(CheckpointStoreTest, TheSameSlotsAreLinkedNotCopied) {
  const CheckpointSource source = write_checkpoint(2);
  const fs::path folder = new_folder();
  ASSERT_TRUE(make_store(folder, tables_, SlotMap{1, 2}.range_of(1), source).ok());
  size_t linked = 0;
  for (const CheckpointFile& file : source.manifest.files) {
    const fs::path from = source.folder / file.name, to = folder / from.filename();
    if (!file.name.starts_with("shard-001/") || !fs::exists(to)) continue;
    if (fs::equivalent(from, to)) {
      EXPECT_EQ(from.extension(), ".sst");  // what RocksDB appends to must be a copy
      ++linked;
    }
  }
  EXPECT_GE(linked, 1u);
}

TEST_F(CheckpointStoreTest, WritingToALinkedStoreLeavesTheCheckpointAsItWas) {
  const CheckpointSource source = write_checkpoint(2);
  const auto before = listing(source.folder);
  const auto digests = digest(source).value();
  {
    const auto made = make_store(new_folder(), tables_, SlotMap{1, 2}.range_of(0), source);
    for (Lsn lsn = 100; lsn < 120; ++lsn)  // enough runs to be compacted
      ASSERT_TRUE(made.value().store->save_flush_file(run_of(random_rows(random_, lsn, 300))).ok());
  }
  EXPECT_EQ(listing(source.folder), before);
  EXPECT_EQ(digest(source).value(), digests);
}

TEST_F(CheckpointStoreTest, TheDigestIsFreeOfTheNumberOfShards) {
  const auto one = digest(write_checkpoint(1)), four = digest(write_checkpoint(4));
  ASSERT_TRUE(one.ok() && four.ok());
  EXPECT_EQ(one.value(), four.value());
  uint64_t rows = 0;
  for (const RowDigest& table : one.value()) rows += table.rows();
  EXPECT_EQ(rows, rows_.size());
}

TEST_F(CheckpointStoreTest, EveryRowIsVisitedInOrderUntilTheVisitorEndsIt) {
  const CheckpointSource source = write_checkpoint(3);
  std::vector<RowKey> keys;
  ASSERT_TRUE(for_each_row(source, [&](const StoredRow& row) -> Status {
                keys.push_back(row.entry.key);
                return Ok{};
              }).ok());
  EXPECT_EQ(keys, keys_of(rows_));
  size_t seen = 0;
  const Status ended = for_each_row(source, [&](const StoredRow&) -> Status {
    if (++seen == 3) return Error{ErrorCode::kInterrupted, "enough"};
    return Ok{};
  });
  EXPECT_FALSE(ended.ok());
  EXPECT_EQ(seen, 3u);
}

TEST_F(CheckpointStoreTest, OneRowIsFoundInTheShardThatHadItsSlot) {
  const CheckpointSource source = write_checkpoint(3);
  const std::vector<RowKey> keys = keys_of(rows_);
  for (int i = 0; i < 10; ++i) {
    const RowKey key = keys[random_.next_below(keys.size())];
    const auto found = find_row(source, key);
    ASSERT_TRUE(found.ok()) << found.error().message;
    ASSERT_EQ(found.value().entries.size(), 1u);
    EXPECT_EQ(found.value().entries[0].lsn, rows_.at(key).lsn);
    EXPECT_EQ(found.value().floats, rows_.at(key).floats);
    RowKey absent = key;
    while (rows_.contains(absent)) absent.key = random_.next_u64();
    EXPECT_TRUE(find_row(source, absent).value().entries.empty());
  }
}

TEST_F(CheckpointStoreTest, AMissingOrTruncatedFileIsRefusedByName) {
  CheckpointSource source = write_checkpoint(2);
  for (const SlotRange slots : {SlotRange{}, SlotMap{1, 2}.range_of(0)}) {
    for (const CheckpointFile& file : source.manifest.files) {
      if (!file.name.starts_with("shard-000/")) continue;
      const fs::path path = source.folder / file.name, aside = folder_.path() / "aside";
      fs::rename(path, aside);
      const auto without = make_store(folder_.path() / "refused", tables_, slots, source);
      ASSERT_FALSE(without.ok()) << file.name;
      EXPECT_EQ(without.error().code, ErrorCode::kNotFound);
      EXPECT_NE(without.error().message.find(file.name), std::string::npos);
      if (file.bytes > 0) {
        fs::copy_file(aside, path);
        fs::resize_file(path, file.bytes - 1);
        const auto cut = make_store(folder_.path() / "refused", tables_, slots, source);
        ASSERT_FALSE(cut.ok()) << file.name;
        EXPECT_EQ(cut.error().code, ErrorCode::kCorrupt);
        EXPECT_NE(cut.error().message.find(file.name), std::string::npos);
      }
      fs::rename(aside, path);
      EXPECT_FALSE(fs::exists(folder_.path() / "refused"));
    }
  }
  EXPECT_TRUE(make_store(folder_.path() / "refused", tables_, {}, source).ok());
}

TEST_F(CheckpointStoreTest, MissingSlotsAreRefused) {
  CheckpointSource source = write_checkpoint(3);
  source.manifest.shards.erase(source.manifest.shards.begin() + 1);
  const auto made = make_store(new_folder(), tables_, {}, source);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code, ErrorCode::kCorrupt);
  EXPECT_FALSE(digest(source).ok());
  // Those that are there can be had.
  EXPECT_TRUE(make_store(new_folder(), tables_, SlotMap{1, 3}.range_of(0), source).ok());
}

TEST_F(CheckpointStoreTest, OtherTablesAreRefused) {
  const CheckpointSource source = write_checkpoint(2);
  const auto refused = [&](auto change) {
    std::vector<TableConfig> other = tables_;
    change(other);
    const auto made = make_store(new_folder(), other, {}, source);
    return !made.ok() && made.error().code == ErrorCode::kCorrupt;
  };
  EXPECT_TRUE(refused([](auto& tables) { tables[2].dim = 99; }));
  EXPECT_TRUE(refused([](auto& tables) { tables[0].optimizer.name = "sgd"; }));
  EXPECT_TRUE(refused([](auto& tables) { tables.push_back(tables[0]); }));
  EXPECT_TRUE(refused([](auto& tables) { tables.pop_back(); }));
  EXPECT_FALSE(refused([](auto& tables) { tables[0].optimizer.learning_rate = 3; }));
}

TEST_F(CheckpointStoreTest, AFolderThatHoldsSomethingIsLeftAlone) {
  const fs::path folder = new_folder();
  { ASSERT_TRUE(make_store(folder, tables_, {}, std::nullopt).ok()); }
  const auto before = listing(folder);
  const auto again = make_store(folder, tables_, {}, std::nullopt);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(listing(folder), before);
}

}  // namespace
}  // namespace cairn::ps
