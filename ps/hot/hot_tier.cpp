#include "ps/hot/hot_tier.h"

#include <algorithm>

#include "common/check.h"

namespace cairn::ps {

namespace {
// Rows that the hand looks at for one row's worth of room, and at least.
constexpr uint64_t kLooksPerRow = 16, kLooksMin = 1024;
// Entries moved in one slice of growth: a small part of a millisecond.
constexpr uint64_t kMovedASlice = 16384;
}  // namespace

HotTier::HotTier(SlotRange slots, const std::vector<RowLayout>& layouts, uint64_t hot_bytes)
    : hot_bytes_(hot_bytes) {
  check(!layouts.empty(), "a shard has tables");
  tables_.reserve(layouts.size());
  for (const RowLayout& layout : layouts) tables_.emplace_back(slots, layout);
}

uint64_t HotTier::bytes() const {
  uint64_t bytes = 0;
  for (const HotTable& table : tables_) bytes += table.bytes();
  return bytes;
}

HotTable::Memory HotTier::memory() const {
  HotTable::Memory all;
  for (const HotTable& table : tables_) {
    const HotTable::Memory its = table.memory();
    all.rows += its.rows;
    all.overhead += its.overhead;
    all.slack += its.slack;
    all.growth += its.growth;
  }
  return all;
}

uint64_t HotTier::rows() const {
  uint64_t rows = 0;
  for (const HotTable& table : tables_) rows += table.rows();
  return rows;
}

bool HotTier::grow_on() {
  for (HotTable& table : tables_) {
    if (!table.growing()) continue;
    table.grow_on(kMovedASlice);
    return true;
  }
  return false;
}

bool HotTier::make_room(uint64_t bytes, uint64_t applied_step) {
  const uint64_t now = this->bytes();
  if (now + bytes <= hot_bytes_) return true;
  const uint64_t wanted = now + bytes - hot_bytes_;
  uint64_t freed = 0;
  uint64_t looks = kLooksMin + kLooksPerRow * (wanted / tables_[hand_table_].row_bytes());
  uint32_t tables_without_row = 0;  // in succession
  while (freed < wanted && looks > 0 && tables_without_row <= tables_.size()) {
    HotTable& table = tables_[hand_table_];
    if (hand_row_ >= table.row_numbers_end()) {
      hand_row_ = 0;
      hand_table_ = (hand_table_ + 1) % tables();
      ++tables_without_row;
      continue;
    }
    tables_without_row = 0;
    --looks;
    const uint32_t number = hand_row_++;
    HotRow& row = *table.row(number);
    if (!row.used() || row.dirty() || row.pin() > applied_step) continue;
    if ((row.meta.state & HotRow::kReferenced) != 0) {
      row.meta.state &= ~HotRow::kReferenced;
      continue;
    }
    if (holds(row.key)) continue;
    table.erase(number);
    ++evicted_rows_;
    freed += table.row_bytes();
  }
  return freed >= wanted;
}

}  // namespace cairn::ps
