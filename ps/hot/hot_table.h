// The rows of one table that are in memory: a slab of rows (row_slab.h) and an index over it
// (hot_index.h), looked up in batches. The index grows slot by slot as rows come in, so that no
// call waits for the whole growth. Thread safety: none; a shard's thread owns it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "ps/hot/hot_index.h"
#include "ps/hot/row_slab.h"

namespace cairn::ps {

class HotTable {
 public:
  // Every key given later must be of `slots`.
  HotTable(SlotRange slots, RowLayout layout);

  enum class Use : uint8_t { kKey, kWeights, kAll };  // of a row, beside its meta

  static constexpr size_t kGroup = 16;
  using Group = std::span<HotRow* const>;

  // Calls `work(first, rows)` for each kGroup keys in order, fewer at the end. rows[i] is the row
  // of keys[first + i], or nullptr. The memory of later groups is asked for ahead, and travels
  // while `work` runs: a batch of scattered keys costs memory bandwidth, not memory latency. `keys`
  // holds each key once. `work` may insert rows for the keys of its group; nothing else may change.
  template <typename Work>
  void each_group(std::span<const Key> keys, Use use, Work work) const;

  // Sets rows[i] to the row of keys[i], or nullptr. `keys` holds each key once.
  void find(std::span<const Key> keys, HotRow** rows) const;

  struct Inserted {
    uint32_t number;
    HotRow* row;  // its meta is zero, its floats are anything
  };
  // `key` must have no row.
  Inserted insert(Key key);
  void erase(uint32_t number);

  HotRow* row(uint32_t number) const { return slab_.at(number); }
  // Adds the numbers of the rows of one slot, in no order.
  void rows_of_slot(uint32_t slot, std::vector<uint32_t>& numbers) const;

  const RowLayout& layout() const { return layout_; }
  uint32_t rows() const { return slab_.used(); }
  uint32_t row_numbers_end() const { return slab_.end(); }
  size_t row_bytes() const { return slab_.stride(); }
  // Bytes of the rows in use and of the index. A growing index counts with both copies.
  uint64_t bytes() const {
    return uint64_t{slab_.used()} * slab_.stride() + index_.bytes() + old_.bytes();
  }
  // The uses of memory, in bytes.
  struct Memory {
    uint64_t rows = 0;      // how many there are
    uint64_t overhead = 0;  // of rows beside their floats: key, log numbers, index
    uint64_t slack = 0;     // padding of rows, and places of rows that went, for rows to come
    uint64_t growth = 0;    // the smaller copy of an index that grows

    double overhead_per_row() const {
      return rows == 0 ? 0.0 : static_cast<double>(overhead) / static_cast<double>(rows);
    }
  };
  Memory memory() const;
  bool growing() const { return old_.capacity() > 0; }
  // Makes the index large enough for so many rows in all, at once. A caller that inserts many rows
  // in the order of their slots does this first: a small index would hold all these rows in a small
  // part.
  void reserve(uint64_t rows);
  // Continues the growth by about so many entries.
  void grow_on(uint64_t entries);

 private:
  static constexpr size_t kLineBytes = 64;

  // The index in which a hash's entry stands. During growth, slots below `moved_slots_end_` have
  // moved.
  const HotIndex& index_of(uint64_t hash) const {
    return hash >> (64 - kSlotBits) >= moved_slots_end_ ? old_ : index_;
  }
  // The cache lines of a row that a use needs: the offset of their first byte in the row, and their
  // number.
  struct Lines {
    size_t from, count;
  };
  Lines lines_of(Use use) const;
  // Fetches a line into the second-level cache, which waits for many more lines at once than the
  // first.
  static void ask_for(const void* line) { __builtin_prefetch(line, /*rw=*/0, /*locality=*/2); }
  // The part of a lookup that is under way: four groups, each in another stage.
  struct Lookup {
    static constexpr size_t kUnderWay = 4 * kGroup;

    std::span<const Key> keys;
    Lines lines;
    uint64_t hashes[kUnderWay];
    HotRow* rows[kUnderWay];
    // Keys of the last group that may stand behind their home line.
    size_t behind[kGroup];
    size_t behind_count = 0;

    static size_t place(size_t i) { return i % kUnderWay; }
  };
  template <bool kGrowing>
  const HotIndex& index_for(uint64_t hash) const;
  template <bool kGrowing>
  void ask_for_entries(Lookup& lookup, size_t first) const;
  template <bool kGrowing, size_t kLines>
  void ask_for_rows(Lookup& lookup, size_t first) const;
  template <size_t kLines>
  void ask_for_rows_behind(Lookup& lookup) const;
  template <size_t kLines>
  static void ask_for_row(const Lookup& lookup, const HotRow* row);
  Group rows_of(Lookup& lookup, size_t first) const;
  template <size_t kLines, typename Work>
  void each_group(Lookup& lookup, Work& work) const;
  HotRow* find_slowly(uint64_t hash, Key key) const;
  void put(const HotIndex& index, uint64_t hash, uint32_t number);
  template <typename Visit>
  void each_of_slot(const HotIndex& index, uint32_t slot, Visit visit) const;
  void close_gap(uint64_t gap);
  void grow();
  void grow(uint32_t entries_per_slot);
  void move_slot(uint32_t slot);

  SlotRange slots_;
  RowLayout layout_;
  RowSlab slab_;
  HotIndex index_;
  HotIndex old_;                       // while growing
  uint32_t moved_slots_end_ = kSlots;  // while not growing, too
  uint64_t move_credit_ = 0;  // entries that inserts have paid for and that are not yet moved
  uint64_t displaced_lines_max_ = 0;  // between an entry and its home, ever
};

template <bool kGrowing>
inline const HotIndex& HotTable::index_for(uint64_t hash) const {
  if constexpr (kGrowing) return index_of(hash);
  return index_;
}

template <bool kGrowing>
inline void HotTable::ask_for_entries(Lookup& lookup, size_t first) const {
  const size_t end = std::min(first + kGroup, lookup.keys.size());
  for (size_t i = first; i < end; ++i) {
    const uint64_t hash = hash_key(lookup.keys[i]);
    const HotIndex& index = index_for<kGrowing>(hash);
    ask_for(&index[index.home_line(hash)]);
    lookup.hashes[Lookup::place(i)] = hash;
  }
}

template <size_t kLines>
inline void HotTable::ask_for_row(const Lookup& lookup, const HotRow* row) {
  if (row == nullptr) [[unlikely]]
    return;
  const char* const needed = reinterpret_cast<const char*>(row) + lookup.lines.from;
  const size_t lines = kLines > 0 ? kLines : lookup.lines.count;
  for (size_t line = 0; line < lines; ++line) ask_for(needed + line * kLineBytes);
}

// Takes the row of the first entry that looks like the hash. The row stays known from here on:
// entries may move to the larger index, rows may not. One entry in twenty stands behind its home
// line. The next line is then asked for, and looked at with the next group.
template <bool kGrowing, size_t kLines>
inline void HotTable::ask_for_rows(Lookup& lookup, size_t first) const {
  const size_t end = std::min(first + kGroup, lookup.keys.size());
  for (size_t i = first; i < end; ++i) {
    const uint64_t hash = lookup.hashes[Lookup::place(i)];
    const HotIndex& index = index_for<kGrowing>(hash);
    const uint64_t home = index.home_line(hash);
    HotRow* row = nullptr;
    const bool found = index.search_line(home, hash, [&](uint64_t place) {
      row = slab_.at(IndexEntry::row(index[place]));
      return true;
    });
    if (!found && index.line(home).empty() == 0) [[unlikely]] {
      ask_for(&index[index.next_line(home)]);
      lookup.behind[lookup.behind_count++] = i;
    }
    ask_for_row<kLines>(lookup, row);
    lookup.rows[Lookup::place(i)] = row;
  }
}

template <size_t kLines>
inline void HotTable::ask_for_rows_behind(Lookup& lookup) const {
  for (; lookup.behind_count > 0; --lookup.behind_count) {
    const size_t place = Lookup::place(lookup.behind[lookup.behind_count - 1]);
    const uint64_t hash = lookup.hashes[place];
    const HotIndex& index = index_of(hash);
    index.search(hash, [&](uint64_t at) {
      lookup.rows[place] = slab_.at(IndexEntry::row(index[at]));
      return true;
    });
    ask_for_row<kLines>(lookup, lookup.rows[place]);
  }
}

inline HotTable::Group HotTable::rows_of(Lookup& lookup, size_t first) const {
  const size_t count = std::min(kGroup, lookup.keys.size() - first);
  HotRow** const rows = lookup.rows + Lookup::place(first);
  for (size_t i = 0; i < count; ++i) {
    // A row of another key has the same fingerprint: look up the plain way.
    if (rows[i] != nullptr && rows[i]->key != lookup.keys[first + i]) [[unlikely]]
      rows[i] = find_slowly(lookup.hashes[Lookup::place(first + i)], lookup.keys[first + i]);
  }
  return {rows, count};
}

// A small number of lines is a constant here: a loop over lines costs a fifth of a lookup.
template <typename Work>
void HotTable::each_group(std::span<const Key> keys, Use use, Work work) const {
  Lookup lookup;
  lookup.keys = keys;
  lookup.lines = lines_of(use);
  switch (lookup.lines.count) {
    case 1:
      return each_group<1>(lookup, work);
    case 2:
      return each_group<2>(lookup, work);
    case 3:
      return each_group<3>(lookup, work);
    default:
      return each_group<0>(lookup, work);
  }
}

// Four stages, one group apart: ask for entries; look at entries and ask for rows; do so for
// entries behind their home line; work on the rows. A table that does not grow has one index: a
// choice per key would cost a tenth.
template <size_t kLines, typename Work>
void HotTable::each_group(Lookup& lookup, Work& work) const {
  const size_t count = lookup.keys.size();
  const auto ask = [&]<bool kGrowing>(size_t first) {
    ask_for_entries<kGrowing>(lookup, first);
    ask_for_rows_behind<kLines>(lookup);
    if (first >= kGroup) ask_for_rows<kGrowing, kLines>(lookup, first - kGroup);
  };
  for (size_t first = 0; first < count + 3 * kGroup; first += kGroup) {
    growing() ? ask.template operator()<true>(first) : ask.template operator()<false>(first);
    if (first < 3 * kGroup) continue;
    const size_t its = first - 3 * kGroup;
    if (its < count) work(its, rows_of(lookup, its));
  }
}

}  // namespace cairn::ps
