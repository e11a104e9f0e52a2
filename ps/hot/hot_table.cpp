#include "ps/hot/hot_table.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <utility>

#include "common/check.h"

namespace cairn::ps {

namespace {

// The index is grown above this part of its capacity, by a part of it: a row takes between 11.1 and
// 13.9 bytes of it, from a few rows per slot on, and with its key and log numbers 42. Above 0.8
// lookups are a third slower, as too many entries stand behind their home line.
constexpr uint64_t kFillMaxPercent = 72;
constexpr uint32_t kGrowthPart = 4;

// Entries moved an insert while growing, in order, without a look at a row: growth ends before the
// smaller index is full (it gains a thirtieth of its capacity meanwhile), and long before the
// larger one has to grow in turn.
constexpr uint64_t kMovedPerInsert = 32;
constexpr uint32_t kEntriesMin = 64;

}  // namespace

HotTable::HotTable(SlotRange slots, RowLayout layout)
    : slots_(slots),
      layout_(layout),
      slab_(layout),
      index_(slots, std::max(1u, kEntriesMin / (slots.last - slots.first))) {}

HotTable::Lines HotTable::lines_of(Use use) const {
  const size_t floats = use == Use::kAll       ? layout_.hot_bytes()
                        : use == Use::kWeights ? layout_.weight_bytes()
                                               : 0;
  // A push's writes and a pull's reads begin in different places.
  const size_t from = use == Use::kAll ? 0 : offsetof(HotRow, meta.count);
  // So many bytes at any multiple of 4 lie in one line more than they fill, or not: to the nearest,
  // as one that is asked for in vain costs as much as one that is missed.
  const size_t bytes = sizeof(HotRow) + floats - from;
  return {from, (bytes + kLineBytes - 4 + kLineBytes / 2) / kLineBytes};
}

void HotTable::find(std::span<const Key> keys, HotRow** rows) const {
  each_group(keys, Use::kKey,
             [&](size_t first, Group group) { std::ranges::copy(group, rows + first); });
}

HotRow* HotTable::find_slowly(uint64_t hash, Key key) const {
  const HotIndex& index = index_of(hash);
  HotRow* row = nullptr;
  const bool found = index.search(hash, [&](uint64_t place) {
    row = slab_.at(IndexEntry::row(index[place]));
    return row->key == key;
  });
  return found ? row : nullptr;
}

HotTable::Memory HotTable::memory() const {
  const uint64_t rows = slab_.used();
  const uint64_t row_bytes = sizeof(HotRow) + layout_.hot_bytes();
  return {.rows = rows,
          .overhead = rows * sizeof(HotRow) + index_.bytes(),
          .slack = uint64_t{slab_.end()} * slab_.stride() - rows * row_bytes,
          .growth = old_.bytes()};
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
  uint64_t at = index.home_line(hash), displaced = 0;
  unsigned empty = index.line(at).empty();
  for (; empty == 0; ++displaced) empty = index.line(at = index.next_line(at)).empty();
  displaced_lines_max_ = std::max(displaced_lines_max_, displaced);
  index[at + static_cast<unsigned>(std::countr_zero(empty))] = IndexEntry::make(hash, number);
}

void HotTable::erase(uint32_t number) {
  const uint64_t hash = hash_key(slab_.at(number)->key);
  const HotIndex& index = index_of(hash);
  const uint64_t entry = IndexEntry::make(hash, number);
  uint64_t its_place = 0;
  const bool found = index.search(hash, [&](uint64_t place) {
    its_place = place;
    return index[place] == entry;
  });
  check(found, "an erased row stands in the index");
  // Entries of the old index are on their way out: it is not worth keeping in order.
  if (&index == &old_) {
    index[its_place] = IndexEntry::kMoved;
  } else {
    close_gap(its_place);
  }
  slab_.free(number);
}

// Entries stand behind a line only while it is full: one that had to pass the line of the gap moves
// up into it, and leaves a gap of its own.
void HotTable::close_gap(uint64_t gap) {
  uint64_t line = gap / IndexLine::kEntries * IndexLine::kEntries;
  bool full = index_.line(line).empty() == 0;
  index_[gap] = IndexEntry::kEmpty;
  for (uint64_t at = index_.next_line(line); full; at = index_.next_line(at)) {
    full = index_.line(at).empty() == 0;
    for (uint64_t place = at; place < at + IndexLine::kEntries; ++place) {
      if (index_[place] == IndexEntry::kEmpty) continue;
      const Key key = slab_.at(IndexEntry::row(index_[place]))->key;
      const uint64_t home = index_.home_line(hash_key(key));
      if (index_.lines_between(home, at) < index_.lines_between(line, at)) continue;
      index_[gap] = std::exchange(index_[place], IndexEntry::kEmpty);
      gap = place;
      line = at;
      break;
    }
  }
}

void HotTable::reserve(uint64_t rows) {
  const uint64_t slots = slots_.last - slots_.first;
  const uint64_t entries_per_slot = rows * 100 / kFillMaxPercent / slots + 1;
  if (entries_per_slot <= index_.entries_per_slot()) return;
  grow_on(old_.capacity());
  grow(static_cast<uint32_t>(entries_per_slot));
  grow_on(old_.capacity());
}

void HotTable::grow() {
  const uint32_t before = index_.entries_per_slot();
  grow(before + std::max(1u, before / kGrowthPart));
}

void HotTable::grow(uint32_t entries_per_slot) {
  old_ = std::exchange(index_, HotIndex(slots_, entries_per_slot));
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

// Calls `visit` with the place of each entry of a slot: they stand in its stretch and in the lines
// up to the first behind it that is not full. Other entries there are of slots near by, which
// their fingerprints tell apart; where keys crowd in few slots, or the index goes round, rows are
// asked.
template <typename Visit>
void HotTable::each_of_slot(const HotIndex& index, uint32_t slot, Visit visit) const {
  const uint64_t entries_passed = (displaced_lines_max_ + 1) * IndexLine::kEntries;
  const bool near_by = entries_passed / index.entries_per_slot() + 2 < IndexEntry::kSlotHints;
  const uint64_t first_hash = uint64_t{slot} << (64 - kSlotBits);
  const uint64_t first = index.home_line(first_hash);
  const uint64_t last = index.home_line(first_hash | ((uint64_t{1} << (64 - kSlotBits)) - 1));
  const uint64_t stretch = index.lines_between(first, last) + 1;
  const uint64_t most = std::min(index.lines(), stretch + displaced_lines_max_);
  // Where the index goes round, its last slots follow on its first ones, whose hints may be equal.
  const uint64_t first_line = first / IndexLine::kEntries;
  const bool goes_round = first_line <= displaced_lines_max_ || first_line + most > index.lines();
  const bool hint_is_certain =
      near_by && (!goes_round || slots_.last - slots_.first <= IndexEntry::kSlotHints);
  uint64_t at = first;
  for (uint64_t passed = 1; passed <= most; at = index.next_line(at), ++passed) {
    for (uint64_t place = at; place < at + IndexLine::kEntries; ++place) {
      const uint64_t entry = index[place];
      if (!IndexEntry::holds_row(entry) || !IndexEntry::may_be_of(entry, slot)) continue;
      if (hint_is_certain || slot_of(slab_.at(IndexEntry::row(entry))->key) == slot) visit(place);
    }
    if (passed >= stretch && index.line(at).empty() != 0) return;
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

}  // namespace cairn::ps
