// Looks at whole slots, in memory and in the store, and says which rows go.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "ps/hot/shard_rows.h"
#include "ps/log/push_log.h"
#include "ps/policy/removal.h"

namespace cairn::ps {

// The slots among `slots` that are due after a step, ascending. Slot i is due after each step t
// with t = i modulo `period`.
std::vector<uint32_t> slots_due(SlotRange slots, uint32_t period, uint64_t step);

struct RowsToRemove {
  std::vector<DeletedKey> deleted;  // in the order of RowKey
  std::array<uint64_t, kRemovalReasons> by_reason = {};
  std::vector<uint64_t> by_table;
};

// `stored` holds all rows of `due` in the store, in order, as they were at some moment. The hot
// tier has held these slots since then (HotTier::hold_slots). Rows in memory are newer, tombstones
// included. Thread safety: none.
RowsToRemove rows_to_remove(const ShardRows& rows, std::span<const uint32_t> due,
                            const RowBatch& stored, uint64_t step);

}  // namespace cairn::ps
