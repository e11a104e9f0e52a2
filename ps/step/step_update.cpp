#include "ps/step/step_update.h"

#include <algorithm>

#include "common/wire/message.h"

namespace cairn::ps {

namespace {
constexpr size_t kBlockKeys = 1024;  // that gradients are summed for at a time
}  // namespace

ShardRows::Change change_of(const StepAssembler::Step& step, bool create) {
  return {.step = static_cast<uint32_t>(step.step), .lsn = step.commit_lsn, .create = create};
}

StepChanged apply_step(ShardRows& rows, const StepAssembler::Step& step, bool create,
                       std::vector<ShardRows::Deferred>& deferred) {
  struct Cursor {
    const TableEntry *entry, *end;
    GradientPart rest;  // `count` and `dtype` are those of the entry
  };
  std::vector<Cursor> cursors;
  for (const std::shared_ptr<const Message>& push : step.pushes) {
    const TableEntry* first = push->directory.data();
    cursors.push_back({first,
                       first + push->directory.size(),
                       {static_cast<const char*>(push->keys.data()),
                        static_cast<const char*>(push->values.data()), 0}});
  }
  const ShardRows::Change change = change_of(step, create);
  StepChanged changed;
  std::vector<GradientPart> parts;
  for (uint32_t table = 0; table < rows.tables(); ++table) {
    parts.clear();
    for (Cursor& cursor : cursors) {
      if (cursor.entry == cursor.end || cursor.entry->table != table) continue;
      cursor.rest.count = cursor.entry->count;
      cursor.rest.dtype = cursor.entry->dtype;
      parts.push_back(cursor.rest);
      cursor.rest.keys += cursor.rest.count * sizeof(Key);
      cursor.rest.gradients += cursor.rest.count * cursor.entry->dim * size_of(cursor.entry->dtype);
      ++cursor.entry;
    }
    changed.push_back(apply_table(rows, change, table, parts, deferred[table]));
  }
  return changed;
}

void count_keys(ShardRows& rows, const StepAssembler::Step& step) {
  std::vector<std::vector<Key>> keys(rows.tables());
  for (const std::shared_ptr<const Message>& push : step.pushes) {
    size_t at = 0;
    for (const TableEntry& entry : push->directory) {
      const size_t end = at + entry.count;
      if (rows.admission(entry.table).filter() == nullptr) at = end;
      while (at < end) keys[entry.table].push_back(push->key(at++));
    }
  }
  for (uint32_t table = 0; table < rows.tables(); ++table) {
    // A key that several workers pushed was in the step once.
    if (step.pushes.size() > 1) {
      std::ranges::sort(keys[table]);
      keys[table].erase(std::unique(keys[table].begin(), keys[table].end()), keys[table].end());
    }
    rows.admission(table).count(keys[table]);
  }
}

ShardRows::Changed apply_table(ShardRows& rows, const ShardRows::Change& change, uint32_t table,
                               const std::vector<GradientPart>& parts,
                               ShardRows::Deferred& deferred) {
  ShardRows::Changed all;
  if (parts.empty()) return all;
  GradientMerge merge(parts, rows.dim(table), kBlockKeys);
  for (auto block = merge.next(); !block.keys.empty(); block = merge.next()) {
    const ShardRows::Changed changed =
        rows.apply(table, block.keys, block.gradients, change, deferred);
    all.created += changed.created;
    all.not_finite += changed.not_finite;
    all.refused += changed.refused;
  }
  return all;
}

}  // namespace cairn::ps
