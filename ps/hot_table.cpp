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

// Entries moved an insert while growing, in order, without a look at a row: growth ends before the
// smaller index is full (it gains a thirtieth of its capacity meanwhile), and long before the
// larger one has to grow in turn.
constexpr uint64_t kMovedPerInsert = 32;
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
void HotTable::find(std::span<const Key> keys, HotRow** rows, size_t bytes) const {
  const size_t count = keys.size(), row_bytes = sizeof(HotRow) + bytes;
  check(count <= kBlock, "a find takes one block of keys");
  uint64_t hashes[kBlock];
  const auto ask_for_entry = [&](size_t i) {
    const uint64_t hash = hashes[i] = hash_key(keys[i]);
    const HotIndex& index = index_of(hash);
    __builtin_prefetch(&index[index.home(hash)]);
  };
  const auto ask_for_row = [&](size_t i) {
    const HotIndex& index = index_of(hashes[i]);
    uint64_t at = index.home(hashes[i]), entry = index[at];
    while (entry != IndexEntry::kEmpty && !IndexEntry::matches(entry, hashes[i]))
      [[unlikely]] entry = index[at = index.next(at)];
    rows[i] = entry == IndexEntry::kEmpty ? nullptr : slab_.at(IndexEntry::row(entry));
    if (rows[i] != nullptr) [[likely]]
      prefetch(rows[i], row_bytes);
  };
  const auto look_at_key = [&](size_t i) {
    // Otherwise another key of the same fingerprint: the plain way.
    if (rows[i] != nullptr && rows[i]->key != keys[i]) [[unlikely]]
      rows[i] = find_slowly(hashes[i], keys[i]);
  };
  for (size_t i = 0; i < std::min(kAhead, count); ++i) ask_for_entry(i);
  for (size_t i = 0; i < count; ++i) {
    if (i + kAhead < count) ask_for_entry(i + kAhead);
    ask_for_row(i);
    if (i >= kAhead) look_at_key(i - kAhead);
  }
  for (size_t i = count - std::min(kAhead, count); i < count; ++i) look_at_key(i);
}

HotRow* HotTable::find_slowly(uint64_t hash, Key key) const {
  const HotIndex& index = index_of(hash);
  for (uint64_t at = index.home(hash); index[at] != IndexEntry::kEmpty; at = index.next(at)) {
    if (!IndexEntry::matches(index[at], hash)) continue;
    HotRow* row = slab_.at(IndexEntry::row(index[at]));
    if (row->key == key) return row;
  }
  return nullptr;
}

HotTable::Inserted HotTable::insert(Key key) {
  check(slots_.contains(slot_of(key)), "a key of a slot that the table does not hold");
  if (growing()) {
    grow_on(kMovedPerInsert);
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
  uint64_t at = index.home(hash), displaced = 0;
  for (; index[at] != IndexEntry::kEmpty; at = index.next(at)) ++displaced;
  displaced_max_ = std::max(displaced_max_, displaced);
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

void HotTable::grow_on(uint64_t entries) {
  move_credit_ += entries;
  while (growing() && move_credit_ >= old_.entries_per_slot()) {
    move_credit_ -= old_.entries_per_slot();
    move_slot(moved_slots_end_);
    if (++moved_slots_end_ < slots_.last) continue;
    old_ = HotIndex();
    moved_slots_end_ = kSlots;
  }
}

// Calls `visit` with the place of each entry of a slot: they stand in its stretch and, pushed on by
// others, up to the next empty place behind it. Other entries there are of slots near by, which
// their fingerprints tell apart; only where keys crowd in few slots are there rows to be asked.
template <typename Visit>
void HotTable::each_of_slot(const HotIndex& index, uint32_t slot, Visit visit) const {
  const uint64_t stretch = index.entries_per_slot();
  const bool near_by = displaced_max_ / stretch + 2 < IndexEntry::kSlotHints;
  const uint64_t last = std::min(index.capacity(), stretch + displaced_max_);
  uint64_t at = index.home(uint64_t{slot} << (64 - kSlotBits));
  for (uint64_t passed = 0; passed < last; at = index.next(at), ++passed) {
    const uint64_t entry = index[at];
    if (entry == IndexEntry::kEmpty && passed >= stretch) return;
    if (!IndexEntry::holds_row(entry) || !IndexEntry::may_be_of(entry, slot)) continue;
    if (near_by || slot_of(slab_.at(IndexEntry::row(entry))->key) == slot) visit(at);
  }
}

void HotTable::move_slot(uint32_t slot) {
  each_of_slot(old_, slot, [&](uint64_t at) {
    const uint64_t entry = std::exchange(old_[at], IndexEntry::kMoved);
    put(index_, IndexEntry::hash_like(entry, slot), IndexEntry::row(entry));
  });
}

void HotTable::rows_of_slot(uint32_t slot, std::vector<uint32_t>& numbers) const {
  const HotIndex& index = index_of(uint64_t{slot} << (64 - kSlotBits));
  each_of_slot(index, slot, [&](uint64_t at) { numbers.push_back(IndexEntry::row(index[at])); });
}

}  // namespace cairn
