// The rows of one table that are in memory: a slab of rows and an index over them (row_slab.h,
// hot_index.h). Lookups come in batches and prefetch: a batch of scattered keys costs memory
// bandwidth, not memory latency. The index grows slot by slot as rows come in, so that no call
// waits for all of it. Thread safety: none; a shard's thread owns it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ps/hot_index.h"
#include "ps/row_slab.h"

namespace cairn {

class HotTable {
 public:
  // Keys of a find or Lookup.
  static constexpr size_t kBlock = 1024;

  // Every key given later must be of `slots`.
  HotTable(SlotRange slots, RowLayout layout);

  // Looks the keys of a block up, a group at a time, and asks ahead for the memory of the groups to
  // come: they travel while the caller works on one. Between two groups rows may be inserted for
  // keys of groups before; nothing else may change.
  class Lookup {
   public:
    static constexpr size_t kGroup = 16;

    enum class Use : uint8_t { kKey, kWeights, kAll };  // of a row, beside its pin

    // Each key once, at most kBlock.
    Lookup(const HotTable& table, std::span<const Key> keys, Use use);

    // The rows of the next kGroup keys, fewer at the end of the block: each row, or nullptr.
    std::span<HotRow* const> next();

   private:
    template <bool kGrowing>
    const HotIndex& index_of(uint64_t hash) const;
    template <bool kGrowing>
    void begin();
    template <bool kGrowing>
    void find_group(size_t first, size_t end);
    template <bool kGrowing>
    void ask_for_entry(size_t i);
    template <bool kGrowing>
    void ask_for_row(size_t i);
    void look_at_key(size_t i);

    const HotTable& table_;
    const std::span<const Key> keys_;
    size_t used_from_, lines_;  // of a row: where what is used begins, and cache lines of it
    size_t next_ = 0;
    uint64_t hashes_[kBlock];
    HotRow* rows_[kBlock];
  };

  // rows[i]: the row of keys[i], or nullptr. Each key once, at most kBlock.
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
  // Of the rows in use and of the index, both copies of it while it grows.
  uint64_t bytes() const {
    return uint64_t{slab_.used()} * slab_.stride() + index_.bytes() + old_.bytes();
  }
  bool growing() const { return old_.capacity() > 0; }
  // Goes on with it by about so many entries.
  void grow_on(uint64_t entries);

 private:
  // The index in which a hash's entry stands: while growing, slots below `moved_slots_end_` have
  // moved.
  const HotIndex& index_of(uint64_t hash) const {
    return hash >> (64 - kSlotBits) >= moved_slots_end_ ? old_ : index_;
  }
  HotRow* find_slowly(uint64_t hash, Key key) const;
  void put(const HotIndex& index, uint64_t hash, uint32_t number);
  template <typename Visit>
  void each_of_slot(const HotIndex& index, uint32_t slot, Visit visit) const;
  void close_gap(uint64_t gap);
  void grow();
  void move_slot(uint32_t slot);

  SlotRange slots_;
  RowLayout layout_;
  RowSlab slab_;
  HotIndex index_;
  HotIndex old_;                       // while growing
  uint32_t moved_slots_end_ = kSlots;  // while not growing, too
  uint64_t move_credit_ = 0;    // entries that inserts have paid for and that are not yet moved
  uint64_t displaced_max_ = 0;  // places between an entry and its home, ever
};

}  // namespace cairn
