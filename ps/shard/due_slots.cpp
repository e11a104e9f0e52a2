#include "ps/shard/due_slots.h"

#include <algorithm>

#include "common/check.h"
#include "ps/hot/row_values.h"

namespace cairn::ps {

namespace {

// Takes the rows of one slot and table off the front of those that the store had.
std::span<const RowBatch::Entry> take_part(std::span<const RowBatch::Entry>& stored, uint32_t slot,
                                           uint32_t table) {
  size_t count = 0;
  while (count < stored.size() && stored[count].key.table == table &&
         slot_of(stored[count].key.key) == slot)
    ++count;
  const auto part = stored.first(count);
  stored = stored.subspan(count);
  return part;
}

uint32_t birth_of(const RowLayout& layout, const float* floats) {
  return layout.holds_created_step ? created_step(layout, floats) : 0;
}

// Their weights point into `floats` and `loaded`.
std::vector<RowFacts> facts_of(const ShardRows& rows, uint32_t table, uint32_t slot,
                               std::span<const RowBatch::Entry> stored, const float* floats,
                               std::vector<float>& loaded) {
  const HotTable& hot = rows.tier().table(table);
  const RowLayout& layout = hot.layout();
  std::vector<uint32_t> numbers;
  hot.rows_of_slot(slot, numbers);
  loaded.resize(numbers.size() * layout.floats());
  float* its = loaded.data();
  std::vector<RowFacts> facts;
  std::vector<Key> in_memory;
  for (const uint32_t number : numbers) {
    const HotRow& row = *hot.row(number);
    in_memory.push_back(row.key);
    if (row.meta.count == 0) continue;
    load_row(layout, row, its);
    facts.push_back({row.key, row.meta.last_step, row.meta.count, birth_of(layout, its), its});
    its += layout.floats();
  }
  std::ranges::sort(in_memory);
  for (const RowBatch::Entry& entry : stored) {
    if (std::ranges::binary_search(in_memory, entry.key.key)) continue;
    const float* const stored_row = floats + entry.offset;
    facts.push_back(
        {entry.key.key, entry.last_step, entry.count, birth_of(layout, stored_row), stored_row});
  }
  return facts;
}

}  // namespace

std::vector<uint32_t> slots_due(SlotRange slots, uint32_t period, uint64_t step) {
  std::vector<uint32_t> due;
  const uint64_t remainder = step % period;
  uint64_t slot = slots.first / period * uint64_t{period} + remainder;
  if (slot < slots.first) slot += period;
  for (; slot < slots.last; slot += period) due.push_back(static_cast<uint32_t>(slot));
  return due;
}

RowsToRemove rows_to_remove(const ShardRows& rows, std::span<const uint32_t> due,
                            const RowBatch& stored, uint64_t step) {
  RowsToRemove going;
  going.by_table.resize(rows.tables());
  std::span<const RowBatch::Entry> left(stored.entries);
  std::vector<float> loaded;
  for (const uint32_t slot : due) {
    for (uint32_t table = 0; table < rows.tables(); ++table) {
      const auto part = take_part(left, slot, table);
      if (!removes_rows(rows.config(table))) continue;
      for (const Removal& removal :
           choose_removals(rows.config(table), step,
                           facts_of(rows, table, slot, part, stored.floats.data(), loaded))) {
        going.deleted.push_back({removal.key, table});
        ++going.by_reason[static_cast<size_t>(removal.reason)];
        ++going.by_table[table];
      }
    }
  }
  check(left.empty(), "a scan gives rows of the slots asked for, in order");
  return going;
}

}  // namespace cairn::ps
