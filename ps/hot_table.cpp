#include "ps/hot_table.h"

#include <algorithm>

#include "common/check.h"

namespace cairn {

namespace {

// Keys between the request for a piece of memory and its use: enough to hide its latency, few
// enough for the processor's queue of outstanding loads.
constexpr size_t kAhead = 16;

// The index is grown above this part of its capacity: longer probes cost more than memory saves.
constexpr uint64_t kFillMaxPercent = 70;

// Entries moved an insert while growing: growth ends before the smaller index is full (it gains an
// eighth of its capacity meanwhile), and long before the larger one has to grow in turn.
constexpr uint64_t kMovedPerInsert = 8;
constexpr uint32_t kEntriesMin = 64;

void prefetch(const void* start, size_t bytes) {
  const char* line = static_cast<const char*>(start);
  for (size_t at = 0; at < bytes; at += 64) __builtin_prefetch(line + at);
  __builtin_prefetch(line + bytes - 1);  // rows are not aligned to cache lines
}

}  // namespace

HotTable::HotTable(SlotRange slots, RowLayout layout)
    : slots_(slots),
      layout_(layout),
      slab_(layout),
      index_(slots, std::max(1u, kEntriesMin / (slots.last - slots.first))) {}

// Three stages, kAhead keys apart: ask for the entry; probe it and ask for the row; look at the
// key.
void HotTable::find(std::span<const Key> keys, HotRow** rows) const {
  const size_t count = keys.size();
  check(count <= kBlock, "a find takes one block of keys");
  uint64_t hashes[kBlock], places[kBlock];
  for (size_t i = 0; i < count + 2 * kAhead; ++i) {
    if (i < count) {
      const uint64_t hash = hashes[i] = hash_key(keys[i]);
      const HotIndex& index = index_of(hash);
      places[i] = index.home(hash);
      __builtin_prefetch(&index[places[i]]);
    }
    if (i >= kAhead && i < count + kAhead) {
      const size_t k = i - kAhead;
      const HotIndex& index = index_of(hashes[k]);
      uint64_t at = places[k], entry = index[at];
      while (entry != IndexEntry::kEmpty && !IndexEntry::matches(entry, hashes[k]))
        entry = index[at = index.next(at)];
      places[k] = at;
      rows[k] = IndexEntry::holds_row(entry) ? slab_.at(IndexEntry::row(entry)) : nullptr;
      if (rows[k] != nullptr) prefetch(rows[k], slab_.stride());
    }
    if (i >= 2 * kAhead) {
      const size_t k = i - 2 * kAhead;
      if (rows[k] != nullptr ? rows[k]->key == keys[k]
                             : index_of(hashes[k])[places[k]] == IndexEntry::kEmpty) [[likely]]
        continue;
      // Another key of the same fingerprint, or an entry that has moved: the plain way.
      rows[k] = find_from(index_of(hashes[k]), places[k], hashes[k], keys[k]);
    }
  }
}

HotRow* HotTable::find_from(const HotIndex& index, uint64_t at, uint64_t hash, Key key) const {
  for (; index[at] != IndexEntry::kEmpty; at = index.next(at)) {
    if (!IndexEntry::holds_row(index[at]) || !IndexEntry::matches(index[at], hash)) continue;
    HotRow* row = slab_.at(IndexEntry::row(index[at]));
    if (row->key == key) return row;
  }
  return nullptr;
}

HotTable::Inserted HotTable::insert(Key key) {
  check(slots_.contains(slot_of(key)), "a key of a slot that the table does not hold");
  if (growing()) {
    move_slots(kMovedPerInsert);
  } else if (uint64_t{slab_.used()} * 100 >= index_.capacity() * kFillMaxPercent) {
    grow();
  }
  const uint32_t number = slab_.allocate();
  HotRow* row = slab_.at(number);
  row->key = key;
  const uint64_t hash = hash_key(key);
  put(index_of(hash), hash, number);
  return {number, row};
}

void HotTable::put(const HotIndex& index, uint64_t hash, uint32_t number) {
  uint64_t at = index.home(hash);
  while (index[at] != IndexEntry::kEmpty) at = index.next(at);
  index[at] = IndexEntry::make(hash, number);
}

void HotTable::erase(uint32_t number) {
  const uint64_t hash = hash_key(slab_.at(number)->key);
  const HotIndex& index = index_of(hash);
  const uint64_t entry = IndexEntry::make(hash, number);
  uint64_t at = index.home(hash);
  while (index[at] != entry) {
    check(index[at] != IndexEntry::kEmpty, "an erased row stands in the index");
    at = index.next(at);
  }
  // Entries of the old index are on their way out: it is not worth keeping in order.
  if (&index == &old_) {
    index[at] = IndexEntry::kMoved;
  } else {
    close_gap(at);
  }
  slab_.free(number);
}

// Knuth, The Art of Computer Programming, volume 3, section 6.4, algorithm R: entries behind the
// gap that probing could no longer reach move up.
void HotTable::close_gap(uint64_t gap) {
  const uint64_t capacity = index_.capacity();
  for (uint64_t at = index_.next(gap); index_[at] != IndexEntry::kEmpty; at = index_.next(at)) {
    const uint64_t home = index_.home(hash_key(slab_.at(IndexEntry::row(index_[at]))->key));
    const auto distance = [&](uint64_t from) {
      return at >= from ? at - from : at + capacity - from;
    };
    if (distance(home) < distance(gap)) continue;
    index_[gap] = index_[at];
    gap = at;
  }
  index_[gap] = IndexEntry::kEmpty;
}

void HotTable::grow() {
  const uint32_t before = index_.entries_per_slot();
  old_ = std::exchange(index_, HotIndex(slots_, before + std::max(1u, before / 2)));
  moved_slots_end_ = slots_.first;
  move_credit_ = 0;
}

void HotTable::move_slots(uint64_t entries) {
  move_credit_ += entries;
  while (growing() && move_credit_ >= old_.entries_per_slot()) {
    move_credit_ -= old_.entries_per_slot();
    move_slot(moved_slots_end_);
    if (++moved_slots_end_ == slots_.last) old_ = HotIndex();
  }
}

void HotTable::move_slot(uint32_t slot) {
  moving_.clear();
  rows_of_slot(slot, moving_);
  for (const uint32_t number : moving_) {
    const uint64_t hash = hash_key(slab_.at(number)->key);
    const uint64_t entry = IndexEntry::make(hash, number);
    uint64_t at = old_.home(hash);
    while (old_[at] != entry) at = old_.next(at);
    old_[at] = IndexEntry::kMoved;
    put(index_, hash, number);
  }
}

void HotTable::rows_of_slot(uint32_t slot, std::vector<uint32_t>& numbers) const {
  const uint64_t first_hash = uint64_t{slot} << (64 - kSlotBits);
  const HotIndex& index = index_of(first_hash);
  const uint64_t start = index.home(first_hash);
  const size_t before = numbers.size();
  // Entries of the slot stand in its stretch and, pushed on by others, up to the next empty one.
  uint64_t passed = 0;
  for (uint64_t at = start; passed < index.capacity(); at = index.next(at), ++passed) {
    const uint64_t entry = index[at];
    if (entry == IndexEntry::kEmpty && passed >= index.entries_per_slot()) break;
    if (!IndexEntry::holds_row(entry)) continue;
    prefetch(slab_.at(IndexEntry::row(entry)), sizeof(HotRow));
    numbers.push_back(IndexEntry::row(entry));
  }
  const auto other_slot = [&](uint32_t number) { return slot_of(slab_.at(number)->key) != slot; };
  numbers.erase(
      std::remove_if(numbers.begin() + static_cast<ptrdiff_t>(before), numbers.end(), other_slot),
      numbers.end());
}

}  // namespace cairn
