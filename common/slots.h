// Says which shard owns which slot. Map version 1 divides the slots evenly; thread safety: plain
// values.
#pragma once

#include <cstdint>

#include "common/hash.h"

namespace cairn {

// Slots first..last-1.
struct SlotRange {
  uint32_t first = 0, last = kSlots;
  constexpr bool contains(uint32_t slot) const { return slot >= first && slot < last; }
  friend constexpr bool operator==(SlotRange, SlotRange) = default;
};

struct SlotMap {
  uint32_t version = 1;
  uint32_t shards = 1;

  constexpr SlotRange range_of(uint32_t shard) const {
    return {first_of(shard), first_of(shard + 1)};
  }
  constexpr uint32_t shard_of_slot(uint32_t slot) const {
    // The largest shard whose first slot is not above `slot`.
    return static_cast<uint32_t>(((uint64_t{slot} + 1) * shards - 1) / kSlots);
  }
  constexpr uint32_t shard_of(Key key) const { return shard_of_slot(slot_of(key)); }

 private:
  constexpr uint32_t first_of(uint32_t shard) const {
    return static_cast<uint32_t>(uint64_t{shard} * kSlots / shards);
  }
};

}  // namespace cairn
