#include "ps/shard_rows.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "ps/initializer.h"
#include "ps/optimizers/finite.h"
#include "ps/policy/removal.h"

namespace cairn {

Result<std::unique_ptr<ShardRows>> ShardRows::create(SlotRange slots,
                                                     const std::vector<TableConfig>& configs,
                                                     uint64_t seed, uint64_t hot_bytes) {
  std::vector<Table> tables;
  std::vector<RowLayout> layouts;
  for (const TableConfig& config : configs) {
    Result<std::unique_ptr<RowOptimizer>> optimizer = make_row_optimizer(config.optimizer);
    if (!optimizer.ok()) return optimizer.error();
    const auto state_floats = static_cast<uint32_t>(optimizer.value()->state_floats(config.dim));
    layouts.push_back({.dim = config.dim,
                       .state_floats = state_floats,
                       .holds_created_step = holds_created_step(config)});
    const auto number = static_cast<uint32_t>(tables.size());
    tables.push_back({config, layouts.back(), std::move(optimizer).value(),
                      Admission(slots, config.admission, number, seed)});
  }
  std::unique_ptr<ShardRows> rows(new ShardRows(std::move(tables), seed));
  rows->tier_ = std::make_unique<HotTier>(slots, layouts, hot_bytes);
  return rows;
}

uint32_t ShardRows::created_step(uint32_t table, const float* floats) const {
  const RowLayout& layout = tables_[table].layout;
  return layout.holds_created_step ? std::bit_cast<uint32_t>(floats[layout.floats() - 1]) : 0;
}

// As those of a key that never had a row.
void ShardRows::reset_floats(uint32_t table, HotRow* row) {
  const Table& its = tables_[table];
  const RowLayout& layout = its.layout;
  initial_weights(its.config.initializer, seed_, table, row->key, {row->floats(), layout.dim});
  its.optimizer->init_state({row->floats() + layout.dim, layout.state_floats});
  if (layout.holds_created_step) row->floats()[layout.floats() - 1] = std::bit_cast<float>(0u);
}

HotRow* ShardRows::find(uint32_t table, Key key) const {
  HotRow* row = nullptr;
  tier_->table(table).find({&key, 1}, &row);
  return row;
}

HotRow* ShardRows::create_row(uint32_t table, Key key, uint32_t pin, uint32_t* number) {
  const HotTable::Inserted inserted = tier_->table(table).insert(key);
  HotRow* row = inserted.row;
  reset_floats(table, row);
  row->raise_pin(pin);
  if (number != nullptr) *number = inserted.number;
  return row;
}

HotRow* ShardRows::create_placeholder(uint32_t table, Key key, uint32_t pin) {
  uint32_t number = 0;
  HotRow* row = create_row(table, key, pin, &number);
  // An unpinned one is evicted like any clean row.
  if (pin > 0) placeholders_[pin].push_back({table, number});
  return row;
}

void ShardRows::read(uint32_t table, std::span<const Key> keys, uint32_t pin, Absent absent,
                     char* weights, std::vector<RowKey>& missing) {
  const size_t weight_bytes = tables_[table].layout.dim * sizeof(float);
  std::array<HotRow*, HotTable::kBlock> rows;
  tier_->table(table).find(keys, rows.data(), tables_[table].layout.dim);
  for (size_t i = 0; i < keys.size(); ++i, weights += weight_bytes) {
    HotRow* row = rows[i];
    if (row == nullptr) [[unlikely]] {
      if (absent == Absent::kUnknown) {
        missing.push_back({table, keys[i]});
        continue;
      }
      if (absent == Absent::kComputeOnly) {
        initial_.resize(tables_[table].layout.dim);
        initial_weights(tables_[table].config.initializer, seed_, table, keys[i], initial_);
        std::memcpy(weights, initial_.data(), weight_bytes);
        continue;
      }
      row = create_placeholder(table, keys[i], pin);
    }
    row->meta.state |= HotRow::kReferenced;
    row->raise_pin(pin);
    std::memcpy(weights, row->floats(), weight_bytes);
  }
}

ShardRows::Changed ShardRows::apply(uint32_t table, std::span<const Key> keys,
                                    const float* gradients, const Change& change,
                                    Deferred& deferred) {
  const Table& its = tables_[table];
  const size_t dim = its.layout.dim;
  const bool selective = its.admission.selective();
  Changed changed;
  std::array<HotRow*, HotTable::kBlock> rows;
  std::array<float*, HotTable::kBlock> floats;
  std::array<uint32_t, HotTable::kBlock> counts;
  tier_->table(table).find(keys, rows.data());
  const bool finite = all_finite({gradients, keys.size() * dim});
  size_t used = 0;
  bool compacted = false;
  for (size_t i = 0; i < keys.size(); ++i) {
    const float* gradient = gradients + i * dim;
    if (!finite && !all_finite({gradient, dim})) [[unlikely]] {
      ++changed.not_finite;
      continue;
    }
    HotRow* row = rows[i];
    if (row == nullptr) [[unlikely]] {
      if (!change.create) {
        deferred.keys.push_back(keys[i]);
        deferred.gradients.insert(deferred.gradients.end(), gradient, gradient + dim);
        continue;
      }
      if (selective && !its.admission.admits(keys[i], change.step)) {
        ++changed.refused;
        continue;
      }
      row = create_row(table, keys[i], 0, nullptr);
    }
    if (row->meta.lsn >= change.lsn) continue;
    if (row->meta.count == 0) [[unlikely]] {
      if (selective && !its.admission.admits(keys[i], change.step)) {
        ++changed.refused;
        continue;
      }
      ++changed.created;
      if (its.layout.holds_created_step)
        row->floats()[its.layout.floats() - 1] = std::bit_cast<float>(change.step);
    }
    if (used < i) {  // something was left out before: the gradients behind it move up
      compacted_.resize(HotTable::kBlock * dim);
      if (!std::exchange(compacted, true)) std::copy_n(gradients, used * dim, compacted_.data());
      std::copy_n(gradient, dim, compacted_.data() + used * dim);
    }
    row->meta.lsn = change.lsn;
    row->meta.last_step = change.step;
    row->meta.state |= HotRow::kReferenced;
    tier_->mark_dirty(table, *row);
    counts[used] = ++row->meta.count;
    floats[used++] = row->floats();
  }
  its.optimizer->update({floats.data(), used}, {counts.data(), used}, dim,
                        compacted ? compacted_.data() : gradients, change.step);
  return changed;
}

void ShardRows::remove(uint32_t table, Key key, Lsn lsn) {
  HotRow* row = find(table, key);
  if (row == nullptr) row = create_row(table, key, 0, nullptr);
  if (row->meta.lsn >= lsn) return;
  reset_floats(table, row);
  row->meta.lsn = lsn;
  row->meta.last_step = 0;
  row->meta.count = 0;
  tier_->mark_dirty(table, *row);
}

void ShardRows::install(std::span<const RowKey> keys, const RowBatch& found, uint32_t pin) {
  auto stored = found.entries.begin();
  for (const RowKey& key : keys) {
    const bool is_stored = stored != found.entries.end() && stored->key == key;
    if (removes_rows(tables_[key.table].config)) {
      if (HotRow* tombstone = find(key.table, key.key)) {
        tombstone->raise_pin(pin);
        stored += is_stored ? 1 : 0;
        continue;
      }
    }
    if (!is_stored) {
      create_placeholder(key.table, key.key, pin);
      continue;
    }
    HotRow* row = tier_->table(key.table).insert(key.key).row;
    row->meta.lsn = stored->lsn;
    row->meta.last_step = stored->last_step;
    row->meta.count = stored->count;
    row->raise_pin(pin);
    std::copy_n(found.floats.data() + stored->offset, tables_[key.table].layout.floats(),
                row->floats());
    ++stored;
  }
  check(stored == found.entries.end(), "the store answers in the order of the keys asked for");
}

void ShardRows::erase_present(std::vector<RowKey>& keys) const {
  if (tier_->rows() == 0) return;
  std::array<Key, HotTable::kBlock> block;
  std::array<HotRow*, HotTable::kBlock> rows;
  auto kept = keys.begin();
  for (auto first = keys.cbegin(); first != keys.cend();) {
    size_t count = 0;  // a block has keys of one table
    for (; first + static_cast<ptrdiff_t>(count) != keys.cend() && count < block.size(); ++count) {
      const RowKey& key = first[static_cast<ptrdiff_t>(count)];
      if (key.table != first->table) break;
      block[count] = key.key;
    }
    const uint32_t table = first->table;
    tier_->table(table).find({block.data(), count}, rows.data());
    for (size_t i = 0; i < count; ++i)
      if (rows[i] == nullptr) *kept++ = {table, block[i]};
    first += static_cast<ptrdiff_t>(count);
  }
  keys.erase(kept, keys.end());
}

void ShardRows::drop_placeholders(uint64_t applied_step) {
  while (!placeholders_.empty() && placeholders_.begin()->first <= applied_step) {
    const std::vector<Placeholder> due = std::move(placeholders_.begin()->second);
    placeholders_.erase(placeholders_.begin());
    for (const Placeholder& placeholder : due) {
      HotTable& table = tier_->table(placeholder.table);
      const HotRow& row = *table.row(placeholder.number);
      // A push made it a row, which may have been removed since.
      if (row.meta.count > 0 || row.dirty()) continue;
      if (row.pin() > applied_step) {
        placeholders_[row.pin()].push_back(placeholder);
      } else if (!tier_->holds(row.key)) {  // else it is evicted in turn
        table.erase(placeholder.number);
      }
    }
  }
}

}  // namespace cairn
