#include "tests/ps/store/rows.h"

#include <algorithm>

#include "ps/store/rocks_store.h"

namespace cairn::ps {

std::vector<TableConfig> some_tables() {
  std::vector<TableConfig> tables(3);
  const char* optimizers[] = {"adagrad", "sgd", "adam"};
  for (uint32_t i = 0; i < 3; ++i) {
    tables[i].name = std::string("table") + static_cast<char>('a' + i);
    tables[i].dim = 4 + 3 * i;
    tables[i].optimizer.name = optimizers[i];
  }
  return tables;
}

std::pair<RowKey, RowValue> random_row(RandomStream& random, Lsn lsn, uint64_t keys) {
  static const std::vector<RowLayout> layouts = layouts_of(some_tables()).value();
  RowKey key;
  key.table = static_cast<uint32_t>(random.next_below(3));
  // Keys of all 64 bits: order by unsigned bytes must hold.
  key.key = hash_key(random.next_below(keys));
  RowValue value;
  value.lsn = lsn;
  value.last_step = random.next_u32();
  value.count = 1 + static_cast<uint32_t>(random.next_below(1000));
  value.floats.resize(layouts[key.table].floats());
  for (float& x : value.floats) x = random.next_normal();
  return {key, value};
}

RowMap random_rows(RandomStream& random, Lsn lsn, size_t rows, uint64_t keys) {
  RowMap map;
  for (size_t i = 0; i < rows; ++i) map.insert(random_row(random, lsn, keys));
  return map;
}

FlushFile run_of(const RowMap& rows) {
  FlushFile run;
  for (const auto& [key, value] : rows) {
    run.rows.entries.push_back({key, value.lsn, value.last_step, value.count, 0});
    run.highest_lsn = std::max(run.highest_lsn, value.lsn);
  }
  auto entry = run.rows.entries.rbegin();
  for (auto row = rows.rbegin(); row != rows.rend(); ++row, ++entry) {
    if (row->second.count == 0) continue;
    entry->offset = run.rows.floats.size();
    run.rows.floats.insert(run.rows.floats.end(), row->second.floats.begin(),
                           row->second.floats.end());
  }
  return run;
}

RowMap map_of(const RowBatch& batch) {
  static const std::vector<RowLayout> layouts = layouts_of(some_tables()).value();
  RowMap rows;
  for (const RowBatch::Entry& entry : batch.entries) {
    const float* const first = batch.floats.data() + entry.offset;
    rows[entry.key] = {entry.lsn,
                       entry.last_step,
                       entry.count,
                       {first, first + layouts[entry.key.table].floats()}};
  }
  return rows;
}

std::vector<RowKey> keys_of(const RowMap& rows) {
  std::vector<RowKey> keys;
  for (const auto& [key, value] : rows) keys.push_back(key);
  return keys;
}

void apply_run(RowMap& rows, const RowMap& run) {
  for (const auto& [key, value] : run) {
    if (value.count == 0)
      rows.erase(key);
    else
      rows[key] = value;
  }
}

}  // namespace cairn::ps
