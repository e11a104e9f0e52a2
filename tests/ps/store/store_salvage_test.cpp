#include "ps/store/store_salvage.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include "ps/store/rocks_store.h"
#include "tests/common/temporary_folder.h"
#include "tests/ps/store/rows.h"
#include "tests/seed.h"

namespace cairn::ps {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr Lsn kRuns = 7;

class StoreSalvage : public testing::Test {
 protected:
  // A store of runs that overlap, the later ones with deletions, and its filters of two versions.
  StoreSalvage() {
    auto store = RocksStore::open(healthy_, tables_);
    EXPECT_TRUE(store.ok()) << store.error().message;
    for (Lsn lsn = 1; lsn <= kRuns; ++lsn) {
      RowMap run = random_rows(random_, lsn, 3000, 5000);
      for (auto& [key, row] : run)
        if (lsn > 1 && random_.next_below(4) == 0) row = {.lsn = lsn, .floats = {}};
      EXPECT_TRUE(store.value()->save_flush_file(run_of(run)).ok());
      apply_run(rows_, run);
    }
    EXPECT_TRUE(store.value()->save_filters(1, {{{0, 5, "older"}}}).ok());
    EXPECT_TRUE(store.value()->save_filters(2, filters_).ok());
    for (const RocksStore::RowFile& file : store.value()->row_files())
      files_.push_back(file.path.filename());
  }

  // A copy of the store, whose folder is shard().
  void restore() {
    fs::remove_all(shard());
    fs::create_directories(shard());
    fs::copy(healthy_, shard() / "store", fs::copy_options::recursive);
  }
  fs::path shard() const { return folder_.path() / "shard"; }

  static std::string read_bytes(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void flip(const fs::path& path, uint64_t at) {
    std::string bytes = read_bytes(path);
    ASSERT_LT(at, bytes.size());
    bytes[at] = static_cast<char>(bytes[at] ^ (1 + random_.next_below(255)));
    std::ofstream(path, std::ios::binary).write(bytes.data(), std::ssize(bytes));
  }
  fs::path some_file() { return shard() / "store" / files_[random_.next_below(files_.size())]; }
  Result<std::vector<StorageLoss>> salvage() { return salvage_store(shard(), tables_, {}, 2); }

  // The rows of the store in shard().
  RowMap stored_rows() {
    RowMap rows;
    const auto store = RocksStore::open(shard() / "store", tables_);
    EXPECT_TRUE(store.ok()) << store.error().message;
    const Status scanned = store.value()->scan({}, [&](const StoredRow& row) -> Status {
      rows[row.entry.key] = {row.entry.lsn,
                             row.entry.last_step,
                             row.entry.count,
                             {row.floats.begin(), row.floats.end()}};
      return Ok{};
    });
    EXPECT_TRUE(scanned.ok());
    EXPECT_EQ(store.value()->highest_lsn(), kRuns);
    EXPECT_EQ(store.value()->filters(2).value(), filters_);
    return rows;
  }
  // Those of slots that are not among the lost ones.
  RowMap intact(const std::vector<StorageLoss>& losses) const {
    RowMap rows;
    for (const auto& [key, row] : rows_)
      if (std::ranges::none_of(losses, [&](const StorageLoss& loss) {
            return loss.slots.contains(slot_of(key.key));
          }))
        rows[key] = row;
    return rows;
  }

  TemporaryFolder folder_;
  const fs::path healthy_ = folder_.path() / "healthy";
  const std::vector<TableConfig> tables_ = some_tables();
  const std::vector<SlotFilter> filters_ = {{0, 5, "first"}, {2, 9, "second"}};
  RandomStream random_{test_seed(), 77};
  RowMap rows_;
  std::vector<std::string> files_;  // names of those that hold rows
};

TEST_F(StoreSalvage, RowsOfSlotsThatAreNotLostAreThereBitForBitAndOfLostOnesNoneIs) {
  size_t lost = 0, kept_some = 0;
  for (int i = 0; i < 16; ++i) {
    SCOPED_TRACE(fmt::format("round {}", i));
    restore();
    std::set<std::string> damaged;
    for (uint64_t flips = 1 + random_.next_below(3); flips > 0; --flips) {
      const fs::path file = some_file();
      const uint64_t bytes = fs::file_size(file);
      // At the end of a file stand its index, its properties and the footer.
      flip(file,
           i % 2 == 0 ? random_.next_below(bytes / 2) : bytes - 1 - random_.next_below(bytes / 10));
      damaged.insert(file.string());
    }
    const auto losses = salvage();
    ASSERT_TRUE(losses.ok()) << losses.error().message;
    const RowMap kept = intact(losses.value());
    ASSERT_EQ(stored_rows(), kept);
    for (const StorageLoss& loss : losses.value()) {
      EXPECT_LT(loss.slots.first, loss.slots.last);
      ASSERT_TRUE(damaged.contains(loss.file)) << loss.file << ": " << loss.why;
      EXPECT_THAT(loss.why, HasSubstr(fs::path(loss.file).filename().string()));
      EXPECT_LT(loss.offset,
                fs::file_size(shard() / "store-damaged" / fs::path(loss.file).filename()));
    }
    EXPECT_EQ(noted_losses(shard()).value().size(), losses.value().size());
    lost += losses.value().empty() ? 0 : 1;
    kept_some += !losses.value().empty() && !kept.empty() ? 1 : 0;
  }
  EXPECT_GE(lost, 8u);
  EXPECT_GE(kept_some, 8u);
}

TEST_F(StoreSalvage, ADamagedBlockTakesTheSlotsOfItsRowsAlone) {
  restore();
  const fs::path file = some_file();
  flip(file, 100);
  const auto losses = salvage();
  ASSERT_TRUE(losses.ok()) << losses.error().message;
  ASSERT_EQ(losses.value().size(), 1u);
  const StorageLoss& loss = losses.value()[0];
  EXPECT_EQ(loss.file, file.string());
  EXPECT_EQ(loss.offset, 0u);
  // A block holds about 40 rows of as many slots.
  EXPECT_LT(loss.slots.last - loss.slots.first, kSlots / 16);
  EXPECT_EQ(stored_rows(), intact(losses.value()));
}

// Both files are of level 0, and RocksDB's iterators would fail for every slot.
TEST_F(StoreSalvage, AFileThatCannotBeOpenedTakesTheSlotsThatItSpansAlone) {
  for (const bool missing : {false, true}) {
    fs::remove_all(shard());
    rows_ = random_rows(random_, 1, 3000, 5000);
    RowMap newer;
    for (const auto& [key, row] : rows_)
      if (slot_of(key.key) >= 4000 && slot_of(key.key) < 5000) newer[key] = row;
    for (auto& [key, row] : newer) row.lsn = kRuns;
    fs::path file;
    {
      const auto store = RocksStore::open(shard() / "store", tables_);
      ASSERT_TRUE(store.ok());
      ASSERT_TRUE(store.value()->save_filters(2, filters_).ok());
      for (const RowMap& run : {rows_, newer})
        ASSERT_TRUE(store.value()->save_flush_file(run_of(run)).ok());
      const auto files = store.value()->row_files();
      ASSERT_EQ(files.size(), 2u);
      for (const RocksStore::RowFile& its : files)
        if (its.slots.first >= 4000) file = its.path;
    }
    ASSERT_FALSE(file.empty());
    if (missing)
      fs::remove(file);
    else
      flip(file, fs::file_size(file) - 1);
    const auto losses = salvage();
    ASSERT_TRUE(losses.ok()) << losses.error().message;
    ASSERT_EQ(losses.value().size(), 1u);
    EXPECT_EQ(losses.value()[0].file, file.string());
    EXPECT_EQ(losses.value()[0].slots, (SlotRange{slot_of(newer.begin()->first.key),
                                                  slot_of(newer.rbegin()->first.key) + 1}));
    EXPECT_THAT(losses.value()[0].why, HasSubstr(missing ? "is missing" : "magic number"));
    EXPECT_EQ(stored_rows(), intact(losses.value()));
  }
}

TEST_F(StoreSalvage, TheFirstSalvageOfAStoreThatIsWholeLosesNothingAndUnmarksIt) {
  restore();
  ASSERT_TRUE(mark_damaged(shard() / "store", "a read said so").ok());
  EXPECT_TRUE(is_marked_damaged(shard() / "store"));
  const auto losses = salvage();
  ASSERT_TRUE(losses.ok()) << losses.error().message;
  EXPECT_TRUE(losses.value().empty());
  EXPECT_FALSE(is_marked_damaged(shard() / "store"));
  EXPECT_TRUE(is_marked_damaged(shard() / "store-damaged"));
  EXPECT_EQ(stored_rows(), rows_);
}

// Without them nobody knows what the rows mean, which lsns are given, which keys are admitted.
TEST_F(StoreSalvage, ADamagedSmallStateIsRefusedAndNothingIsTouched) {
  for (const bool flushed : {false, true}) {
    restore();
    if (flushed) {
      ASSERT_TRUE(RocksStore::open(shard() / "store", tables_).ok());  // writes it to a file
    }
    size_t flipped = 0;
    for (const auto& entry : fs::directory_iterator(shard() / "store")) {
      const fs::path& path = entry.path();
      const bool of_rows = std::ranges::count(files_, path.filename().string()) > 0;
      if ((flushed && path.extension() == ".sst" && !of_rows) ||
          (!flushed && path.extension() == ".log")) {
        flip(path, flushed ? 20 : fs::file_size(path) / 2);  // the log's begins with the tables
        ++flipped;
      }
    }
    ASSERT_EQ(flipped, 1u);
    const fs::path file = some_file();
    flip(file, fs::file_size(file) - 1);
    const auto losses = salvage();
    ASSERT_FALSE(losses.ok());
    EXPECT_EQ(losses.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(losses.error().message, HasSubstr((shard() / "store").string()));
    EXPECT_FALSE(fs::exists(shard() / "store-damaged"));
    EXPECT_TRUE(noted_losses(shard()).value().empty());
  }
}

}  // namespace
}  // namespace cairn::ps
