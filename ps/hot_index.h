// Key -> row number, one size of it: open addressing with linear probing over 8-byte entries, a
// 32-bit fingerprint above a row number. An entry stands at the place that its hash, scaled to the
// slots of the shard, says, or behind it up to the next empty one; so entries lie in the order of
// slots, and those of a slot are one stretch. The key itself stands in the row. HotTable grows by
// filling a second, larger one. Thread safety: none; a shard's thread owns it.
#pragma once

#include <cstdint>

#include "common/random.h"
#include "common/slots.h"
#include "ps/pages.h"

namespace cairn {

// Of an entry: fingerprint << 32 | row + 1; 0 is empty.
struct IndexEntry {
  static constexpr uint64_t kEmpty = 0;
  // Was an entry, before growth moved it to the larger index: probing goes on over it.
  static constexpr uint64_t kMoved = 0xFFFFFFFFull;

  static uint64_t make(uint64_t hash, uint32_t row) { return hash << 32 | (row + 1); }
  static uint32_t row(uint64_t entry) { return static_cast<uint32_t>(entry) - 1; }
  static bool holds_row(uint64_t entry) { return entry != kEmpty && entry != kMoved; }
  // The fingerprint is the low half of the hash: the high bits say little that the place does not.
  static bool matches(uint64_t entry, uint64_t hash) {
    return static_cast<uint32_t>(entry >> 32) == static_cast<uint32_t>(hash);
  }
};

class HotIndex {
 public:
  HotIndex() = default;
  HotIndex(SlotRange slots, uint32_t entries_per_slot)
      : entries_per_slot_(entries_per_slot),
        capacity_(uint64_t{slots.last - slots.first} * entries_per_slot),
        first_hash_(uint64_t{slots.first} << (64 - kSlotBits)),
        pages_(capacity_ * sizeof(uint64_t), capacity_ * sizeof(uint64_t) >= (size_t{4} << 20)),
        entries_(reinterpret_cast<uint64_t*>(pages_.data())) {}

  // Where the search for a hash begins.
  uint64_t home(uint64_t hash) const {
    return static_cast<uint64_t>(static_cast<Uint128>(hash - first_hash_) * entries_per_slot_ >>
                                 (64 - kSlotBits));
  }
  uint64_t next(uint64_t at) const { return at + 1 == capacity_ ? 0 : at + 1; }
  uint64_t& operator[](uint64_t at) const { return entries_[at]; }

  uint32_t entries_per_slot() const { return entries_per_slot_; }
  uint64_t capacity() const { return capacity_; }
  uint64_t bytes() const { return capacity_ * sizeof(uint64_t); }

 private:
  uint32_t entries_per_slot_ = 0;
  uint64_t capacity_ = 0;
  uint64_t first_hash_ = 0;
  Pages pages_;
  uint64_t* entries_ = nullptr;
};

}  // namespace cairn
