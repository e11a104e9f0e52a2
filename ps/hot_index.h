// Key -> row number, one size of it: open addressing with linear probing over 8-byte entries, a
// 32-bit fingerprint above a row number. An entry stands at the place that the first bits of its
// hash, scaled to the slots of the shard, say, or behind it up to the next empty one; so entries
// lie in the order of slots, and those of a slot are one stretch. The key itself stands in the row.
// The fingerprint continues those bits, so that an entry and its slot give its place in an index of
// any size: HotTable grows by filling a second, larger one without a look at a row. Thread safety:
// none; a shard's thread owns it.
#pragma once

#include <cstdint>

#include "common/slots.h"
#include "ps/pages.h"

namespace cairn {

// Of an entry: fingerprint << 32 | row + 1; 0 is empty.
struct IndexEntry {
  static constexpr uint64_t kEmpty = 0;
  // Was an entry, before growth moved it to the larger index: probing goes on over it.
  static constexpr uint64_t kMoved = 0xFFFFFFFFull;

  // Bits of a hash that say the place of an entry; the last kSlotHintBits + kInSlotBits of them are
  // its fingerprint: the last bits of the slot, and all those in it. A table of 10^9 rows uses 17
  // of the latter for places, which leaves 1 in 128 that two neighbours look alike.
  static constexpr unsigned kInSlotBits = 24, kSlotHintBits = 8;
  static constexpr unsigned kUnusedBits = 64 - kSlotBits - kInSlotBits;
  static constexpr uint32_t kSlotHints = 1u << kSlotHintBits;

  static uint32_t fingerprint(uint64_t hash) { return static_cast<uint32_t>(hash >> kUnusedBits); }
  static uint64_t make(uint64_t hash, uint32_t row) {
    return uint64_t{fingerprint(hash)} << 32 | (row + 1);
  }
  static uint32_t row(uint64_t entry) { return static_cast<uint32_t>(entry) - 1; }
  static bool holds_row(uint64_t entry) { return entry != kEmpty && entry != kMoved; }
  static bool matches(uint64_t entry, uint64_t hash) {
    return static_cast<uint32_t>(entry >> 32) == fingerprint(hash) && entry != kMoved;
  }
  // Whether the entry can be of the slot: certain, if it is of one of the kSlotHints slots up to
  // it.
  static bool may_be_of(uint64_t entry, uint32_t slot) {
    return entry >> (64 - kSlotHintBits) == slot % kSlotHints;
  }
  // Of the entry of a key in `slot`: a hash with the same place and fingerprint.
  static uint64_t hash_like(uint64_t entry, uint32_t slot) {
    return uint64_t{slot} << (64 - kSlotBits) | (entry >> 32 & ((uint64_t{1} << kInSlotBits) - 1))
                                                    << kUnusedBits;
  }
};

class HotIndex {
 public:
  HotIndex() = default;
  HotIndex(SlotRange slots, uint32_t entries_per_slot)
      : entries_per_slot_(entries_per_slot),
        capacity_(uint64_t{slots.last - slots.first} * entries_per_slot),
        first_(uint64_t{slots.first} << IndexEntry::kInSlotBits),
        pages_(capacity_ * sizeof(uint64_t), capacity_ * sizeof(uint64_t) >= (size_t{4} << 20)),
        entries_(reinterpret_cast<uint64_t*>(pages_.data())) {}

  // Where the search for a hash begins.
  uint64_t home(uint64_t hash) const {
    return ((hash >> IndexEntry::kUnusedBits) - first_) * entries_per_slot_ >>
           IndexEntry::kInSlotBits;
  }
  uint64_t next(uint64_t at) const { return at + 1 == capacity_ ? 0 : at + 1; }
  uint64_t& operator[](uint64_t at) const { return entries_[at]; }

  uint32_t entries_per_slot() const { return entries_per_slot_; }
  uint64_t capacity() const { return capacity_; }
  uint64_t bytes() const { return capacity_ * sizeof(uint64_t); }

 private:
  uint32_t entries_per_slot_ = 0;
  uint64_t capacity_ = 0;
  uint64_t first_ = 0;  // of the places' bits
  Pages pages_;
  uint64_t* entries_ = nullptr;
};

}  // namespace cairn
