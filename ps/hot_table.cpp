#include "ps/hot_table.h"

#include <algorithm>
#include <cstddef>

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

constexpr size_t kLineBytes = 64;

// Into the second cache, whose misses under way may be many more than those of the first.
void ask_for(const void* line) { __builtin_prefetch(line, /*rw=*/0, /*locality=*/2); }

// Cache lines of `bytes` at any multiple of 4, to the nearest: one that is asked for in vain costs
// as much as one that is missed.
constexpr size_t lines_of(size_t bytes) { return (bytes + kLineBytes - 4 + kLineBytes / 2) / 64; }

}  // namespace

HotTable::HotTable(SlotRange slots, RowLayout layout)
    : slots_(slots),
      layout_(layout),
      slab_(layout),
      index_(slots, std::max(1u, kEntriesMin / (slots.last - slots.first))) {}

// Three stages, kAhead keys apart: ask for the entry; probe it and ask for the row; look at the
// key.
HotTable::Lookup::Lookup(const HotTable& table, std::span<const Key> keys, Use use)
    : table_(table), keys_(keys) {
  check(keys.size() <= kBlock, "a lookup takes one block of keys");
  const RowLayout& layout = table.layout();
  const size_t bytes = use == Use::kAll       ? layout.hot_bytes()
                       : use == Use::kWeights ? layout.weight_bytes()
                                              : 0;
  used_from_ = use == Use::kAll ? 0 : offsetof(HotRow, meta.count);
  lines_ = lines_of(sizeof(HotRow) + bytes - used_from_);
  table.growing() ? begin<true>() : begin<false>();
}

std::span<HotRow* const> HotTable::Lookup::next() {
  const size_t first = next_;
  next_ = std::min(keys_.size(), first + kGroup);
  // Growth begins and ends between groups only.
  table_.growing() ? find_group<true>(first, next_) : find_group<false>(first, next_);
  return {rows_ + first, next_ - first};
}

template <bool kGrowing>
void HotTable::Lookup::begin() {
  for (size_t i = 0; i < std::min(2 * kAhead, keys_.size()); ++i) ask_for_entry<kGrowing>(i);
  for (size_t i = 0; i < std::min(kAhead, keys_.size()); ++i) ask_for_row<kGrowing>(i);
}

template <bool kGrowing>
void HotTable::Lookup::find_group(size_t first, size_t end) {
  const size_t count = keys_.size();
  for (size_t i = first; i < end; ++i) {
    if (i + 2 * kAhead < count) ask_for_entry<kGrowing>(i + 2 * kAhead);
    if (i + kAhead < count) ask_for_row<kGrowing>(i + kAhead);
    look_at_key(i);
  }
}

// Of a table that does not grow there is nothing to choose, which saves a tenth of a lookup.
template <bool kGrowing>
inline const HotIndex& HotTable::Lookup::index_of(uint64_t hash) const {
  if constexpr (kGrowing) return table_.index_of(hash);
  return table_.index_;
}

template <bool kGrowing>
inline void HotTable::Lookup::ask_for_entry(size_t i) {
  const uint64_t hash = hashes_[i] = hash_key(keys_[i]);
  const HotIndex& index = index_of<kGrowing>(hash);
  ask_for(&index[index.home(hash)]);
}

// From here on the row is known: an entry may move to the larger index meanwhile, a row may not.
template <bool kGrowing>
inline void HotTable::Lookup::ask_for_row(size_t i) {
  const HotIndex& index = index_of<kGrowing>(hashes_[i]);
  uint64_t at = index.home(hashes_[i]), entry = index[at];
  while (entry != IndexEntry::kEmpty && !IndexEntry::matches(entry, hashes_[i]))
    entry = index[at = index.next(at)];
  rows_[i] = nullptr;
  if (entry == IndexEntry::kEmpty) return;
  rows_[i] = table_.slab_.at(IndexEntry::row(entry));
  const char* used = reinterpret_cast<const char*>(rows_[i]) + used_from_;
  for (size_t line = 0; line < lines_; ++line) ask_for(used + line * kLineBytes);
}

inline void HotTable::Lookup::look_at_key(size_t i) {
  // Otherwise another key of the same fingerprint: the plain way.
  if (rows_[i] != nullptr && rows_[i]->key != keys_[i]) [[unlikely]]
    rows_[i] = table_.find_slowly(hashes_[i], keys_[i]);
}

void HotTable::find(std::span<const Key> keys, HotRow** rows) const {
  Lookup lookup(*this, keys, Lookup::Use::kKey);
  for (auto group = lookup.next(); !group.empty(); group = lookup.next())
    rows = std::copy(group.begin(), group.end(), rows);
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
