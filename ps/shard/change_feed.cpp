#include "ps/shard/change_feed.h"

#include <algorithm>

#include "ps/hot/row_values.h"

namespace cairn::ps {

ChangeFeed::ChangeFeed(const ShardRows& rows, ChangeListener* listener)
    : rows_(rows), listener_(listener) {
  if (listener_ == nullptr) return;
  changes_.tables.resize(rows.tables());
  keys_.resize(rows.tables());
}

void ChangeFeed::begin(uint64_t applied_step) {
  if (listener_ != nullptr) listener_->begin(applied_step);
}

void ChangeFeed::changed(const StepAssembler::Step& step) {
  if (listener_ == nullptr) return;
  for (std::vector<Key>& keys : keys_) keys.clear();
  for (const auto& push : step.pushes) {
    size_t at = 0;
    for (const TableEntry& entry : push->directory)
      for (uint32_t i = 0; i < entry.count; ++i) keys_[entry.table].push_back(push->key(at++));
  }
  for (uint32_t table = 0; table < rows_.tables(); ++table) {
    std::vector<Key>& keys = keys_[table];
    std::ranges::sort(keys);
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    changed(step, table, keys);
  }
}

void ChangeFeed::changed(const StepAssembler::Step& step, uint32_t table,
                         std::span<const Key> keys) {
  if (listener_ == nullptr || keys.empty()) return;
  const HotTable& hot = rows_.tier().table(table);
  const RowLayout& layout = hot.layout();
  found_.resize(keys.size());
  hot.find(keys, found_.data());
  floats_.resize(layout.floats());
  StepChanges::Table& to = changes_.tables[table];
  for (size_t i = 0; i < keys.size(); ++i) {
    const HotRow* row = found_[i];
    // Not where the gradient was not finite, the key was refused, or the row is still to be read.
    if (row == nullptr || row->meta.count == 0 || row->meta.lsn != step.commit_lsn) continue;
    load_row(layout, *row, floats_.data());
    to.keys.push_back(keys[i]);
    to.weights.insert(to.weights.end(), floats_.begin(), floats_.begin() + layout.dim);
  }
}

void ChangeFeed::removed(std::span<const DeletedKey> keys) {
  if (listener_ != nullptr) removed_.assign(keys.begin(), keys.end());
}

void ChangeFeed::step_over(uint64_t step, Lsn lsn) {
  if (listener_ == nullptr) return;
  changes_.step = step;
  changes_.lsn = lsn;
  changes_.removed = removed_;
  listener_->step_over(changes_);
  removed_.clear();
  for (StepChanges::Table& table : changes_.tables) {
    table.keys.clear();
    table.weights.clear();
  }
}

}  // namespace cairn::ps
