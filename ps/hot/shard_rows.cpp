#include "ps/hot/shard_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "common/values.h"
#include "common/wire/message.h"
#include "ps/hot/row_values.h"
#include "ps/optimizers/finite.h"
#include "ps/policy/removal.h"
#include "ps/row/initializer.h"

namespace cairn::ps {

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
                       .dtype = config.dtype,
                       .holds_created_step = holds_created_step(config)});
    const auto number = static_cast<uint32_t>(tables.size());
    tables.push_back({config, layouts.back(), std::move(optimizer).value(),
                      Admission(slots, config.admission, number, seed)});
  }
  std::unique_ptr<ShardRows> rows(new ShardRows(std::move(tables), seed));
  rows->tier_ = std::make_unique<HotTier>(slots, layouts, hot_bytes);
  return rows;
}

Status ShardRows::load_filters(std::span<const SlotFilter> filters) {
  for (const SlotFilter& saved : filters) {
    if (saved.table >= tables_.size()) continue;
    KeyFilter* const filter = tables_[saved.table].admission.filter();
    if (filter == nullptr || filter->load(saved.slot, saved.counters)) continue;
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("table '{}': the admission filter was saved with {} bytes per slot and "
                    "has {} now; keep admission.filter_bytes",
                    tables_[saved.table].config.name, saved.counters.size(), filter->slot_bytes())};
  }
  return Ok{};
}

bool ShardRows::filters_changed() {
  return std::ranges::any_of(tables_, [](Table& table) {
    KeyFilter* const filter = table.admission.filter();
    return filter != nullptr && filter->changed_since_save();
  });
}

const char* ShardRows::initial_bytes(uint32_t table, Key key) {
  const RowLayout& layout = tables_[table].layout;
  initial_.resize(layout.dim);
  initial_bytes_.resize(layout.weight_bytes());
  initial_weights(tables_[table].config.initializer, seed_, table, key, initial_);
  narrow(initial_.data(), layout.dtype, initial_bytes_.data(), layout.dim);
  return initial_bytes_.data();
}

void ShardRows::copy_weights(const RowLayout& layout, const char* weights, ValueType wire,
                             char* to) {
  if (layout.dtype == wire) [[likely]] {
    std::memcpy(to, weights, layout.weight_bytes());
  } else if (wire == ValueType::kBfloat16) {
    narrow(reinterpret_cast<const float*>(weights), wire, to, layout.dim);
  } else {
    widened_.resize(layout.dim);
    widen(weights, layout.dtype, widened_.data(), layout.dim);
    std::memcpy(to, widened_.data(), layout.dim * sizeof(float));
  }
}

// As those of a key that never had a row.
void ShardRows::reset_values(uint32_t table, HotRow* row) {
  const Table& its = tables_[table];
  std::memcpy(row->bytes(), initial_bytes(table, row->key), its.layout.weight_bytes());
  its.optimizer->init_state(hot_state(its.layout, *row));
  if (its.layout.holds_created_step) set_created_step(its.layout, 0, *row);
}

HotRow* ShardRows::find(uint32_t table, Key key) const {
  HotRow* row = nullptr;
  tier_->table(table).find({&key, 1}, &row);
  return row;
}

HotRow* ShardRows::create_row(uint32_t table, Key key, uint32_t pin, uint32_t* number) {
  const HotTable::Inserted inserted = tier_->table(table).insert(key);
  HotRow* row = inserted.row;
  reset_values(table, row);
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

char* ShardRows::read(uint32_t table, std::span<const Key> keys, uint32_t pin, Absent absent,
                      const Known& known, ValueType wire, char* weights,
                      std::vector<RowKey>& missing) {
  const RowLayout& layout = tables_[table].layout;
  const size_t wire_bytes = layout.dim * size_of(wire);
  const bool near_bound = tier_->near_bound();
  const uint64_t changed_since = known.step;
  char* to = weights;
  tier_->table(table).each_group(keys, HotTable::Use::kWeights, [&](size_t first, auto rows) {
    for (size_t i = first; i < first + rows.size(); ++i) {
      HotRow* row = rows[i - first];
      if (row == nullptr) [[unlikely]] {
        if (absent == Absent::kUnknown) {
          missing.push_back({table, keys[i]});
          continue;
        }
        if (absent == Absent::kComputeOnly) {
          copy_weights(layout, initial_bytes(table, keys[i]), wire, to);
          to += wire_bytes;
          continue;
        }
        row = create_placeholder(table, keys[i], pin);
      }
      this->pin(*row, pin, near_bound);
      // Steps count from 1: with nothing known this is never so.
      if (row->meta.last_step <= changed_since && row->meta.count > 0) {
        set_unchanged(known.unchanged, i);
        continue;
      }
      copy_weights(layout, row->bytes(), wire, to);
      to += wire_bytes;
    }
  });
  return to;
}

void ShardRows::pin(uint32_t table, std::span<const Key> keys, uint32_t pin,
                    std::vector<RowKey>& missing) {
  const bool near_bound = tier_->near_bound();
  tier_->table(table).each_group(keys, HotTable::Use::kKey, [&](size_t first, auto rows) {
    for (size_t i = 0; i < rows.size(); ++i) {
      if (rows[i] == nullptr)
        missing.push_back({table, keys[first + i]});
      else
        this->pin(*rows[i], pin, near_bound);
    }
  });
}

// Marked as changed; nullptr: the gradient is not for now. This and add() are inline for speed: a
// call of each for each row costs a twentieth of a push.
[[gnu::always_inline]] inline HotRow* ShardRows::row_to_change(uint32_t table, Key key, HotRow* row,
                                                               const float* gradient,
                                                               const Change& change,
                                                               Deferred& deferred,
                                                               Changed& changed) {
  Table& its = tables_[table];
  const auto is_refused = [&] {
    if (!its.admission.selective() || its.admission.admits(key, change.step)) return false;
    ++changed.refused;
    return true;
  };
  if (row == nullptr) [[unlikely]] {
    if (!change.create) {
      deferred.keys.push_back(key);
      deferred.gradients.insert(deferred.gradients.end(), gradient, gradient + its.layout.dim);
      return nullptr;
    }
    if (is_refused()) return nullptr;
    row = create_row(table, key, 0, nullptr);
  }
  if (row->meta.lsn >= change.lsn) return nullptr;
  if (row->meta.count == 0) [[unlikely]] {
    if (is_refused()) return nullptr;
    ++changed.created;
    if (its.layout.holds_created_step) set_created_step(its.layout, change.step, *row);
  }
  row->meta.lsn = change.lsn;
  row->meta.last_step = change.step;
  ++row->meta.count;
  row->meta.state |= HotRow::kReferenced;
  tier_->mark_dirty(table, *row);
  return row;
}

// Where something of the group was left out before, its gradients move up.
[[gnu::always_inline]] inline void ShardRows::add(HotRow* row, const float* gradient,
                                                  size_t in_group, size_t dim, Group& group) {
  if (group.used < in_group) [[unlikely]] {
    compacted_.resize(HotTable::kGroup * dim);
    if (group.gradients != compacted_.data()) {
      std::copy_n(group.gradients, group.used * dim, compacted_.data());
      group.gradients = compacted_.data();
    }
    std::copy_n(gradient, dim, compacted_.data() + group.used * dim);
  }
  group.counts[group.used] = row->meta.count;
  group.rows[group.used++] = row;
}

ShardRows::Changed ShardRows::apply(uint32_t table, std::span<const Key> keys,
                                    const float* gradients, const Change& change,
                                    Deferred& deferred) {
  Changed changed;
  const size_t dim = tables_[table].layout.dim;
  tier_->table(table).each_group(keys, HotTable::Use::kAll, [&](size_t first, auto rows) {
    Group group;
    group.gradients = gradients + first * dim;
    const bool finite = all_finite({group.gradients, rows.size() * dim});
    for (size_t i = 0; i < rows.size(); ++i) {
      const float* gradient = gradients + (first + i) * dim;
      if (!finite && !all_finite({gradient, dim})) [[unlikely]] {
        ++changed.not_finite;
        continue;
      }
      HotRow* row =
          row_to_change(table, keys[first + i], rows[i], gradient, change, deferred, changed);
      if (row != nullptr) add(row, gradient, i, dim, group);
    }
    update(table, group, change.step);
  });
  return changed;
}

void ShardRows::remove(uint32_t table, Key key, Lsn lsn) {
  HotRow* row = find(table, key);
  if (row == nullptr) row = create_row(table, key, 0, nullptr);
  if (row->meta.lsn >= lsn) return;
  reset_values(table, row);
  row->meta.lsn = lsn;
  row->meta.last_step = 0;
  row->meta.count = 0;
  tier_->mark_dirty(table, *row);
}

// Rows of bf16 are updated as f32 beside them, a few at a time, and rounded on the way back.
void ShardRows::update(uint32_t table, const Group& group, uint32_t step) {
  const RowLayout& layout = tables_[table].layout;
  RowOptimizer& optimizer = *tables_[table].optimizer;
  const std::span<HotRow* const> rows(group.rows.data(), group.used);
  const std::span<const uint32_t> counts(group.counts.data(), group.used);
  std::array<float*, HotTable::kGroup> floats;
  if (layout.dtype == ValueType::kFloat32) {
    for (size_t i = 0; i < rows.size(); ++i) floats[i] = rows[i]->floats();
    return optimizer.update({floats.data(), rows.size()}, counts, layout.dim, group.gradients,
                            step);
  }
  constexpr size_t kAtOnce = std::min(StochasticRounding::kRowsMax, HotTable::kGroup);
  std::array<Key, kAtOnce> keys;
  widened_.resize(kAtOnce * layout.floats());
  for (size_t first = 0; first < rows.size(); first += kAtOnce) {
    const size_t count = std::min(kAtOnce, rows.size() - first);
    for (size_t i = 0; i < count; ++i) {
      keys[i] = rows[first + i]->key;
      floats[i] = widened_.data() + i * layout.floats();
      load_row(layout, *rows[first + i], floats[i]);
    }
    optimizer.update({floats.data(), count}, counts.subspan(first, count), layout.dim,
                     group.gradients + first * layout.dim, step);
    rounding_.round({floats.data(), count}, {keys.data(), count}, table, step, layout.dim);
    for (size_t i = 0; i < count; ++i) store_row(layout, floats[i], *rows[first + i]);
  }
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
    store_row(tables_[key.table].layout, found.floats.data() + stored->offset, *row);
    ++stored;
  }
  check(stored == found.entries.end(), "the store answers in the order of the keys asked for");
}

void ShardRows::erase_present(std::vector<RowKey>& keys) const {
  if (tier_->rows() == 0) return;
  std::vector<Key> of_table;
  auto kept = keys.begin();
  for (auto first = keys.cbegin(); first != keys.cend();) {
    const uint32_t table = first->table;
    of_table.clear();
    for (; first != keys.cend() && first->table == table; ++first) of_table.push_back(first->key);
    tier_->table(table).each_group(of_table, HotTable::Use::kKey, [&](size_t at, auto rows) {
      for (size_t i = 0; i < rows.size(); ++i)
        if (rows[i] == nullptr) *kept++ = {table, of_table[at + i]};
    });
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

}  // namespace cairn::ps
