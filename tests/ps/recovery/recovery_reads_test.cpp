#include "ps/recovery/recovery_reads.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/common/temporary_folder.h"
#include "tests/ps/store/rows.h"
#include "tests/seed.h"

namespace cairn::ps {
namespace {

class RecoveryReads : public testing::TestWithParam<uint32_t> {};

TEST_P(RecoveryReads, GiveEachStoredRowThatIsWantedOnceAndNoOther) {
  const TemporaryFolder folder;
  RandomStream random(test_seed(), 71);
  const auto store = RocksStore::open(folder.path() / "store", some_tables());
  ASSERT_TRUE(store.ok()) << store.error().message;
  RowMap stored;
  for (Lsn lsn = 1; lsn <= 3; ++lsn) {
    const RowMap run = random_rows(random, lsn * 10, 30'000, 100'000);
    ASSERT_TRUE(store.value()->save_flush_file(run_of(run)).ok());
    apply_run(stored, run);
  }
  for (const size_t wanted : {0, 1, 100, 3000, 60'000}) {
    std::vector<RowKey> keys = keys_of(random_rows(random, 1, wanted, 100'000));  // some are absent
    RowMap expected;
    for (const RowKey& key : keys)
      if (const auto row = stored.find(key); row != stored.end()) expected.insert(*row);
    for (const uint32_t threads : {1, 3}) {
      RocksRecoveryStore reads(*store.value(), {}, threads);
      reads.set_scan_ratio(GetParam());
      RowMap found;
      size_t asked = 0, rows = 0;
      const Status read =
          reads.read(keys, [&](std::span<const RowKey> part, const RowBatch& batch) {
            asked += part.size();
            rows += batch.entries.size();
            found.merge(map_of(batch));
          });
      ASSERT_TRUE(read.ok()) << read.error().message;
      EXPECT_EQ(asked, keys.size());
      EXPECT_EQ(rows, expected.size());
      EXPECT_EQ(found, expected);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(ScanRatios, RecoveryReads,
                         testing::Values(0, 25, std::numeric_limits<uint32_t>::max()));

}  // namespace
}  // namespace cairn::ps
