// The contract of every ColdStore, held against the real one and the one for tests.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <set>

#include "ps/store/memory_cold_store.h"
#include "ps/store/rocks_cold_store.h"
#include "tests/common/temporary_folder.h"
#include "tests/ps/store/rows.h"
#include "tests/seed.h"

namespace cairn::ps {
namespace {

class Harness {
 public:
  virtual ~Harness() = default;
  virtual ColdStore& store() = 0;
  virtual void let_complete() {}
  virtual std::vector<SlotFilter> filters(Lsn version) = 0;
  virtual RowMap rows_of_checkpoint(const std::filesystem::path& folder) = 0;
  TemporaryFolder folder;
};

// The rows of all slots given to it, in order.
std::vector<SlotFilter> random_filters(RandomStream& random,
                                       std::initializer_list<uint32_t> slots) {
  std::vector<SlotFilter> filters;
  for (const uint32_t slot : slots)
    filters.push_back({1, slot, std::string(16, static_cast<char>(random.next_u32()))});
  return filters;
}

class RocksHarness final : public Harness {
 public:
  std::vector<SlotFilter> filters(Lsn version) override { return rocks_->filters(version).value(); }
  ColdStore& store() override { return store_; }
  RowMap rows_of_checkpoint(const std::filesystem::path& folder) override {
    RowMap rows;
    const auto opened = RocksStore::open_read_only(folder, some_tables());
    EXPECT_TRUE(opened.ok());
    const Status scanned = opened.value()->scan({}, [&](const StoredRow& row) -> Status {
      rows[row.entry.key] = {row.entry.lsn,
                             row.entry.last_step,
                             row.entry.count,
                             {row.floats.begin(), row.floats.end()}};
      return Ok{};
    });
    EXPECT_TRUE(scanned.ok());
    return rows;
  }

 private:
  std::unique_ptr<RocksStore> opened_ =
      RocksStore::open(folder.path() / "store", some_tables()).value();
  RocksStore* const rocks_ = opened_.get();
  RocksColdStore store_{std::move(opened_), 2};
};

class MemoryHarness final : public Harness {
 public:
  std::vector<SlotFilter> filters(Lsn version) override { return store_.filters(version); }
  ColdStore& store() override { return store_; }
  void let_complete() override { store_.complete_all(); }
  RowMap rows_of_checkpoint(const std::filesystem::path& folder) override {
    RowMap rows;
    for (const auto& [key, value] : *store_.rows_in(folder))
      rows[key] = {value.entry.lsn, value.entry.last_step, value.entry.count, value.floats};
    return rows;
  }

 private:
  MemoryColdStore store_{layouts_of(some_tables()).value()};
};

class ColdStoreContract : public testing::TestWithParam<std::unique_ptr<Harness> (*)()> {
 protected:
  // Asks, lets it complete, and waits.
  template <typename T, typename Ask>
  Result<T> ask(Ask ask) {
    std::promise<Result<T>> promise;
    std::future<Result<T>> answer = promise.get_future();
    ask([&promise](Result<T> result) { promise.set_value(std::move(result)); });
    harness_->let_complete();
    if (answer.wait_for(std::chrono::seconds(60)) != std::future_status::ready) {
      ADD_FAILURE() << "no answer";
      std::abort();  // the promise must outlive the call
    }
    return answer.get();
  }
  Status save(const RowMap& rows) {
    return ask<Ok>([&](auto done) { harness_->store().save_flush_file(run_of(rows), done); });
  }
  RowMap read(const std::vector<RowKey>& keys) {
    const Result<RowBatch> rows =
        ask<RowBatch>([&](auto done) { harness_->store().read(keys, done); });
    EXPECT_TRUE(rows.ok());
    EXPECT_TRUE(std::is_sorted(rows.value().entries.begin(), rows.value().entries.end(),
                               [](const auto& a, const auto& b) { return a.key < b.key; }));
    return map_of(rows.value());
  }

  const std::unique_ptr<Harness> harness_ = GetParam()();
  RandomStream random_{test_seed(), 5};
};

TEST_P(ColdStoreContract, ANewStoreIsEmptyAndReadsNothing) {
  EXPECT_TRUE(harness_->store().empty());
  EXPECT_TRUE(read(keys_of(random_rows(random_, 1, 10))).empty());
  EXPECT_TRUE(read({}).empty());
}

TEST_P(ColdStoreContract, ReadsGiveTheNewestOfEveryRowSavedAndLeaveOutTheRest) {
  RowMap expected;
  for (Lsn lsn = 1; lsn <= 10; ++lsn) {
    const RowMap rows = random_rows(random_, lsn, 1 + random_.next_below(400));
    ASSERT_TRUE(save(rows).ok());
    EXPECT_FALSE(harness_->store().empty());
    apply_run(expected, rows);
  }
  // Those saved and as many others.
  RowMap asked = random_rows(random_, 0, 2000, 4000);
  asked.insert(expected.begin(), expected.end());
  EXPECT_EQ(read(keys_of(asked)), expected);
}

TEST_P(ColdStoreContract, ARowOfCountZeroIsADeletion) {
  RowMap rows = random_rows(random_, 1, 300);
  ASSERT_TRUE(save(rows).ok());
  RowMap deletions;
  for (const auto& [key, value] : rows)
    if (random_.next_below(2) == 0) deletions[key] = {2, 9, 0, {}};
  ASSERT_TRUE(save(deletions).ok());
  const std::vector<RowKey> keys = keys_of(rows);
  apply_run(rows, deletions);
  EXPECT_EQ(read(keys), rows);
}

TEST_P(ColdStoreContract, AScanGivesTheNewestOfEveryRowOfItsSlotsAndNoDeletedOne) {
  RowMap expected;
  for (Lsn lsn = 1; lsn <= 10; ++lsn) {
    RowMap rows = random_rows(random_, lsn, 300);
    for (auto& [key, value] : rows)
      if (random_.next_below(4) == 0) value = {lsn, value.last_step, 0, {}};
    ASSERT_TRUE(save(rows).ok());
    apply_run(expected, rows);
  }
  // Slots of some rows, and their neighbours.
  std::set<uint32_t> slots;
  for (const auto& [key, value] : expected)
    if (random_.next_below(3) == 0)
      for (const uint32_t slot : {slot_of(key.key), (slot_of(key.key) + 1) % kSlots})
        slots.insert(slot);
  std::erase_if(expected, [&](const auto& row) { return !slots.contains(slot_of(row.first.key)); });
  const Result<RowBatch> rows = ask<RowBatch>([&](auto done) {
    harness_->store().scan({slots.begin(), slots.end()}, done);
  });
  ASSERT_TRUE(rows.ok());
  EXPECT_TRUE(std::is_sorted(rows.value().entries.begin(), rows.value().entries.end(),
                             [](const auto& a, const auto& b) { return a.key < b.key; }));
  EXPECT_EQ(map_of(rows.value()), expected);
}

TEST_P(ColdStoreContract, FiltersOfAVersionStayBesideThoseOfOthersUntilTheyAreDropped) {
  const auto save_filters = [&](Lsn version, const std::vector<SlotFilter>& filters) {
    FlushFile run;
    run.filters = filters;
    run.filters_version = version;
    return ask<Ok>([&](auto done) { harness_->store().save_flush_file(run, done); });
  };
  const std::vector<SlotFilter> older = random_filters(random_, {3, 4, 9000});
  const std::vector<SlotFilter> first = random_filters(random_, {3, 4});
  const std::vector<SlotFilter> second = random_filters(random_, {9000});
  ASSERT_TRUE(save_filters(255, older).ok());
  ASSERT_TRUE(save_filters(256, first).ok());
  ASSERT_TRUE(save_filters(256, second).ok());
  EXPECT_TRUE(harness_->store().empty());
  std::vector<SlotFilter> newer = first;
  newer.insert(newer.end(), second.begin(), second.end());
  EXPECT_EQ(harness_->filters(255), older);
  EXPECT_EQ(harness_->filters(256), newer);
  EXPECT_TRUE(harness_->filters(257).empty());
  ASSERT_TRUE(ask<Ok>([&](auto done) { harness_->store().drop_filters(256, done); }).ok());
  EXPECT_TRUE(harness_->filters(255).empty());
  EXPECT_EQ(harness_->filters(256), newer);
}

TEST_P(ColdStoreContract, AnEmptyRunIsSaved) {
  EXPECT_TRUE(save({}).ok());
  EXPECT_TRUE(harness_->store().empty());
}

TEST_P(ColdStoreContract, ACheckpointHoldsWhatWasSavedBeforeItAndNothingLater) {
  const RowMap before = random_rows(random_, 1, 500);
  ASSERT_TRUE(save(before).ok());
  const auto folder = harness_->folder.path() / "checkpoint";
  const Result<ShardFiles> files =
      ask<ShardFiles>([&](auto done) { harness_->store().checkpoint(folder, done); });
  ASSERT_TRUE(files.ok()) << files.error().message;
  EXPECT_FALSE(files.value().files.empty());
  ASSERT_TRUE(save(random_rows(random_, 2, 500)).ok());
  EXPECT_EQ(harness_->rows_of_checkpoint(folder), before);
}

// Its first writer may have died before it was heard.
TEST_P(ColdStoreContract, ACheckpointThatIsAskedForAgainTakesThePlaceOfTheFirst) {
  const RowMap rows = random_rows(random_, 1, 5);
  ASSERT_TRUE(save(rows).ok());
  const auto folder = harness_->folder.path() / "checkpoint";
  const auto checkpoint = [&](auto done) { harness_->store().checkpoint(folder, done); };
  ASSERT_TRUE(ask<ShardFiles>(checkpoint).ok());
  ASSERT_TRUE(ask<ShardFiles>(checkpoint).ok());
  EXPECT_EQ(harness_->rows_of_checkpoint(folder), rows);
}

template <typename T>
std::unique_ptr<Harness> make() {
  return std::make_unique<T>();
}
INSTANTIATE_TEST_SUITE_P(EveryVersion, ColdStoreContract,
                         testing::Values(make<RocksHarness>, make<MemoryHarness>),
                         [](const auto& info) { return info.index == 0 ? "Rocks" : "Memory"; });

TEST(MemoryColdStore, CompletesInTheOrderThatItIsTold) {
  MemoryColdStore store(layouts_of(some_tables()).value());
  RandomStream random(test_seed(), 6);
  const RowMap rows = random_rows(random, 1, 10);
  std::string order;
  RowMap found;
  store.save_flush_file(run_of(rows), [&](Status status) { order += status.ok() ? "s" : "S"; });
  store.read(keys_of(rows), [&](Result<RowBatch> batch) {
    order += "r";
    found = map_of(batch.value());
  });
  EXPECT_EQ(store.pending(), 2u);
  store.complete(1);
  EXPECT_TRUE(found.empty());
  store.fail(0, {ErrorCode::kUnavailable, "disk full"});
  EXPECT_EQ(order, "rS");
  EXPECT_TRUE(store.empty());
}

}  // namespace
}  // namespace cairn::ps
