// An index of one size from keys to row numbers, by open addressing. An 8-byte entry is a 32-bit
// fingerprint above a row number; the key itself stands in the row.
//
// The first bits of a hash, scaled to the slots of the shard, say the place of an entry. The entry
// stands in the cache line of that place, or in the next line that is not full. So a lookup
// compares the eight fingerprints of a line at once, and seldom needs a second line. Entries lie in
// the order of slots, and the entries of a slot are one stretch.
//
// The fingerprint continues the bits of the place, so an entry and its slot give a place in an
// index of any size. HotTable grows by filling a second, larger index without a look at a row.
// Thread safety: none; a shard's thread owns it.
#pragma once

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <bit>
#include <cstdint>

#include "common/slots.h"
#include "ps/system/pages.h"

namespace cairn::ps {

// An entry is fingerprint << 32 | row + 1; 0 is empty.
struct IndexEntry {
  static constexpr uint64_t kEmpty = 0;
  // The place of an entry that growth moved to the larger index; the place stays taken.
  static constexpr uint64_t kMoved = 0xFFFFFFFFull;

  // The bits of a hash that say the place of an entry. The last kSlotHintBits + kInSlotBits of
  // these bits are the fingerprint: the last bits of the slot, and all bits inside the slot. A
  // table of 10^9 rows uses 17 of the bits inside the slot for places. Two neighbours then look
  // alike 1 time in 128.
  static constexpr unsigned kInSlotBits = 24, kSlotHintBits = 8;
  static constexpr unsigned kUnusedBits = 64 - kSlotBits - kInSlotBits;
  static constexpr uint32_t kSlotHints = 1u << kSlotHintBits;

  static uint32_t fingerprint(uint64_t hash) { return static_cast<uint32_t>(hash >> kUnusedBits); }
  static uint64_t make(uint64_t hash, uint32_t row) {
    return uint64_t{fingerprint(hash)} << 32 | (row + 1);
  }
  static uint32_t row(uint64_t entry) { return static_cast<uint32_t>(entry) - 1; }
  static bool holds_row(uint64_t entry) { return entry != kEmpty && entry != kMoved; }
  // Whether the entry can be of the slot. The answer is certain if the entry is of one of the
  // kSlotHints slots up to this slot.
  static bool may_be_of(uint64_t entry, uint32_t slot) {
    return entry >> (64 - kSlotHintBits) == slot % kSlotHints;
  }
  // A hash with the place and fingerprint of `entry`, which stands in `slot`.
  static uint64_t hash_like(uint64_t entry, uint32_t slot) {
    return uint64_t{slot} << (64 - kSlotBits) | (entry >> 32 & ((uint64_t{1} << kInSlotBits) - 1))
                                                    << kUnusedBits;
  }
};

// A line of an index: eight entries. Masks have bit i for entry i.
class IndexLine {
 public:
  static constexpr unsigned kEntries = 8;

  explicit IndexLine(const uint64_t* entries) : entries_(entries) {}

  // The entries of a fingerprint; for fingerprint 0 also entries that hold no row.
  unsigned of_fingerprint(uint32_t fingerprint) const { return halves_equal<1>(fingerprint); }
  unsigned empty() const { return halves_equal<0>(0); }

 private:
  // A bit per entry of the line: whether its half (0: row number, 1: fingerprint) is `value`.
  template <int kHalf>
  unsigned halves_equal(uint32_t value) const;

  const uint64_t* entries_;
};

class HotIndex {
 public:
  HotIndex() = default;
  HotIndex(SlotRange slots, uint32_t entries_per_slot)
      : entries_per_slot_(entries_per_slot),
        capacity_(uint64_t{slots.last - slots.first} * entries_per_slot),
        places_((capacity_ + IndexLine::kEntries - 1) / IndexLine::kEntries * IndexLine::kEntries),
        first_(uint64_t{slots.first} << IndexEntry::kInSlotBits),
        pages_(bytes(), /*huge=*/bytes() >= (size_t{4} << 20)),
        entries_(reinterpret_cast<uint64_t*>(pages_.data())) {}

  // The first place of the line where the search for a hash begins, and of the next line.
  uint64_t home_line(uint64_t hash) const {
    const uint64_t place =
        ((hash >> IndexEntry::kUnusedBits) - first_) * entries_per_slot_ >> IndexEntry::kInSlotBits;
    return place / IndexLine::kEntries * IndexLine::kEntries;
  }
  uint64_t next_line(uint64_t at) const {
    return at + IndexLine::kEntries == places_ ? 0 : at + IndexLine::kEntries;
  }
  // The number of lines from one place to another, going up and round.
  uint64_t lines_between(uint64_t from, uint64_t to) const {
    return (to >= from ? to - from : to + places_ - from) / IndexLine::kEntries;
  }
  IndexLine line(uint64_t at) const { return IndexLine(entries_ + at); }
  // Calls `visit` with the place of each entry that looks like the hash, until `visit` returns
  // true. False: `visit` never did.
  template <typename Visit>
  bool search(uint64_t hash, Visit visit) const {
    for (uint64_t at = home_line(hash);; at = next_line(at)) {
      if (search_line(at, hash, visit)) return true;
      if (line(at).empty() != 0) return false;
    }
  }
  // The same in one line.
  template <typename Visit>
  bool search_line(uint64_t at, uint64_t hash, Visit visit) const {
    unsigned like = line(at).of_fingerprint(IndexEntry::fingerprint(hash));
    for (; like != 0; like &= like - 1) {
      const uint64_t place = at + static_cast<unsigned>(std::countr_zero(like));
      if (IndexEntry::holds_row(entries_[place]) && visit(place)) return true;
    }
    return false;
  }
  uint64_t& operator[](uint64_t at) const { return entries_[at]; }

  uint32_t entries_per_slot() const { return entries_per_slot_; }
  uint64_t lines() const { return places_ / IndexLine::kEntries; }
  // The number of entries that the index is made for.
  uint64_t capacity() const { return capacity_; }
  uint64_t bytes() const { return places_ * sizeof(uint64_t); }

 private:
  uint32_t entries_per_slot_ = 0;
  uint64_t capacity_ = 0;
  uint64_t places_ = 0;  // whole lines
  uint64_t first_ = 0;   // of the places' bits
  Pages pages_;
  uint64_t* entries_ = nullptr;
};

template <int kHalf>
inline unsigned IndexLine::halves_equal(uint32_t value) const {
#if defined(__SSE2__)
  const float* const halves = reinterpret_cast<const float*>(entries_);
  constexpr int kPick = kHalf == 0 ? _MM_SHUFFLE(2, 0, 2, 0) : _MM_SHUFFLE(3, 1, 3, 1);
  const auto equal = [&](const float* four_entries) {
    const __m128 picked =
        _mm_shuffle_ps(_mm_load_ps(four_entries), _mm_load_ps(four_entries + 4), kPick);
    return _mm_cmpeq_epi32(_mm_castps_si128(picked), _mm_set1_epi32(static_cast<int>(value)));
  };
  const __m128i both = _mm_packs_epi32(equal(halves), equal(halves + 8));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_packs_epi16(both, _mm_setzero_si128())));
#else
  unsigned mask = 0;
  for (unsigned i = 0; i < kEntries; ++i)
    mask |= unsigned{static_cast<uint32_t>(entries_[i] >> (32 * kHalf)) == value} << i;
  return mask;
#endif
}

}  // namespace cairn::ps
