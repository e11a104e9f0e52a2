// Random tables and rows for tests of stores.
#pragma once

#include <map>
#include <vector>

#include "common/config/table_config.h"
#include "common/random.h"
#include "ps/store/cold_store.h"

namespace cairn::ps {

// Three tables of different dim and optimizer.
std::vector<TableConfig> some_tables();

struct RowValue {
  Lsn lsn = 0;
  uint32_t last_step = 0;
  uint32_t count = 0;
  std::vector<float> floats;
  friend bool operator==(const RowValue&, const RowValue&) = default;
};
using RowMap = std::map<RowKey, RowValue>;

// A row of one of `some_tables`; few distinct keys, so that rows meet again.
std::pair<RowKey, RowValue> random_row(RandomStream& random, Lsn lsn, uint64_t keys);
RowMap random_rows(RandomStream& random, Lsn lsn, size_t rows, uint64_t keys = 1000);

// Rows of count 0 are deletions. The flush file's floats stand in another order than its entries,
// as no order is promised.
FlushFile run_of(const RowMap& rows);
RowMap map_of(const RowBatch& batch);
std::vector<RowKey> keys_of(const RowMap& rows);

// Applies a flush file's rows to `rows`.
void apply_run(RowMap& rows, const RowMap& run);

}  // namespace cairn::ps
