// The rows of a shard that are in memory, over all tables, bounded by `hot_bytes`. A row may be
// evicted once it is clean and unpinned. Clean rows were written to the store since they last
// changed. Unpinned rows are rows that no step waits for. Eviction is by CLOCK (Corbato, 1968): a
// hand goes round the rows and takes those not used since its last pass. Where dirty and pinned
// rows alone need more memory, the tier grows past its bound. Thread safety: none; a shard's thread
// owns it.
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
  // Whether rows may have to go soon. Until then no use of a row need be remembered: a pull that
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

  // Does a slice of the growth of an index. True: there is more to do.
  bool grow_on();

  // Keeps rows of the slots that are `remainder` modulo `period` in memory until release_slots,
  // whatever their state. A reader of a slot's rows, first in the store and then in memory, so
  // misses none.
  void hold_slots(uint32_t period, uint32_t remainder) {
    held_period_ = period;
    held_remainder_ = remainder;
  }
  void release_slots() { held_period_ = 0; }
  bool holds(Key key) const {
    return held_period_ > 0 && slot_of(key) % held_period_ == held_remainder_;
  }

  // Evicts until `bytes` more fit under the bound. Rows pinned for a step above `applied_step`
  // stay. False: the bytes do not fit now. The size asked for bounds the search, so that a tier
  // without clean rows costs a pull little. The next search goes on where this one stopped.
  bool make_room(uint64_t bytes, uint64_t applied_step);

 private:
  std::vector<HotTable> tables_;
  uint64_t hot_bytes_;
  uint64_t dirty_bytes_ = 0, evicted_rows_ = 0;
  uint32_t hand_table_ = 0, hand_row_ = 0;
  uint32_t held_period_ = 0, held_remainder_ = 0;  // 0: no slots are held
};

}  // namespace cairn::ps
