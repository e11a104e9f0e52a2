#include "ps/recovery/recovery_keys.h"

#include <algorithm>
#include <cstdint>

namespace cairn::ps {

namespace {

template <typename Visit>
void for_each_key(std::span<const StepAssembler::Step> steps, const Visit& visit) {
  for (const StepAssembler::Step& step : steps) {
    for (const auto& push : step.pushes) {
      size_t at = 0;
      for (const TableEntry& entry : push->directory)
        for (uint32_t i = 0; i < entry.count; ++i) visit(RowKey{entry.table, push->key(at++)});
    }
  }
}

}  // namespace

// Dealt to their slots first: what is left to sort is short, and compares without hashing.
std::vector<RowKey> keys_of(std::span<const StepAssembler::Step> steps, SlotRange slots) {
  std::vector<size_t> ends(slots.last - slots.first + 1);  // of the slot before, then of the slot
  for_each_key(steps, [&](const RowKey& key) { ++ends[slot_of(key.key) - slots.first + 1]; });
  for (size_t slot = 1; slot < ends.size(); ++slot) ends[slot] += ends[slot - 1];
  std::vector<RowKey> keys(ends.back());
  for_each_key(steps,
               [&](const RowKey& key) { keys[ends[slot_of(key.key) - slots.first]++] = key; });

  const auto below = [](const RowKey& a, const RowKey& b) {
    return a.table != b.table ? a.table < b.table : a.key < b.key;
  };
  auto kept = keys.begin();
  size_t first = 0;
  for (size_t slot = 0; slot + 1 < ends.size(); first = ends[slot++]) {
    const auto begin = keys.begin() + static_cast<ptrdiff_t>(first);
    const auto end = keys.begin() + static_cast<ptrdiff_t>(ends[slot]);
    std::sort(begin, end, below);
    kept = std::move(begin, std::unique(begin, end), kept);
  }
  keys.erase(kept, keys.end());
  return keys;
}

}  // namespace cairn::ps
