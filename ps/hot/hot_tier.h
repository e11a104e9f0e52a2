// The rows of a shard that are in memory, of all its tables together, bounded by `hot_bytes`. Rows
// that were written to the store since they last changed (clean) and that no step waits for
// (unpinned) may be evicted, by CLOCK (Corbato, 1968): a hand goes round the rows, spares once
// those used since it last came by, and takes the others. Where dirty and pinned rows alone need
// more, the tier grows past its bound. Thread safety: none; a shard's thread owns it.
#pragma once

#include <cstdint>
#include <vector>

#include "ps/hot/hot_table.h"

namespace cairn::ps {

class HotTier {
 public:
  HotTier(SlotRange slots, const std::vector<RowLayout>& layouts, uint64_t hot_bytes);

  HotTable& table(uint32_t table) { return tables_[table]; }
  const HotTable& table(uint32_t table) const { return tables_[table]; }
  uint32_t tables() const { return static_cast<uint32_t>(tables_.size()); }

  uint64_t bytes() const;
  uint64_t rows() const;
  HotTable::Memory memory() const;
  uint64_t dirty_bytes() const { return dirty_bytes_; }
  uint64_t evicted_rows() const { return evicted_rows_; }
  uint64_t hot_bytes() const { return hot_bytes_; }
  // Whether rows may have to go soon. Until then nothing need remember who uses them: a pull that
  // leaves its rows unwritten is a fifth faster.
  bool near_bound() const { return bytes() > hot_bytes_ / 4 * 3; }

  void mark_dirty(uint32_t table, HotRow& row) {
    if (row.dirty()) return;
    row.meta.state |= HotRow::kDirty;
    dirty_bytes_ += tables_[table].row_bytes();
  }
  void mark_clean(uint32_t table, HotRow& row) {
    if (!row.dirty()) return;
    row.meta.state &= ~HotRow::kDirty;
    dirty_bytes_ -= tables_[table].row_bytes();
  }

  // Does a slice of the growth of an index; true if there is more to do.
  bool grow_on();

  // Rows of the slots that are `remainder` modulo `period` stay in memory, whatever state they are
  // in, until release_slots: who reads the store's rows of a slot, and then looks at those in
  // memory, so misses none.
  void hold_slots(uint32_t period, uint32_t remainder) {
    held_period_ = period;
    held_remainder_ = remainder;
  }
  void release_slots() { held_period_ = 0; }
  bool holds(Key key) const {
    return held_period_ > 0 && slot_of(key) % held_period_ == held_remainder_;
  }

  // Evicts until `bytes` more fit under the bound. Rows pinned for a step above `applied_step`
  // stay. False: they do not fit now. The search is bounded by what is asked for, so that a tier
  // without clean rows costs a pull little; what it did not look at is next in turn.
  bool make_room(uint64_t bytes, uint64_t applied_step);

 private:
  std::vector<HotTable> tables_;
  uint64_t hot_bytes_;
  uint64_t dirty_bytes_ = 0, evicted_rows_ = 0;
  uint32_t hand_table_ = 0, hand_row_ = 0;
  uint32_t held_period_ = 0, held_remainder_ = 0;  // 0: no slots are held
};

}  // namespace cairn::ps
