#include "ps/write_back.h"

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "ps/row_values.h"

namespace cairn {

namespace {
constexpr uint64_t kRunBytes = uint64_t{64} << 20;
// What one slice may look at: well under a millisecond's work.
constexpr uint64_t kSliceRows = 8192;
}  // namespace

WriteBack::WriteBack(SlotRange slots, HotTier& tier, std::function<void(SortedRun)> save)
    : slots_(slots), tier_(tier), save_(std::move(save)), dirty_(tier.tables()) {}

void WriteBack::begin() {
  check(!active(), "one sweep at a time");
  phase_ = Phase::kCopying;
  slot_ = slots_.first;
}

bool WriteBack::work(Lsn acknowledged) {
  if (phase_ == Phase::kCleaning) {
    clean_slice();
    return true;
  }
  if (phase_ != Phase::kCopying) return false;
  for (looked_at_ = 0; looked_at_ < kSliceRows;) {
    if (slot_ == slots_.last || run_bytes_ >= kRunBytes) {
      send_run();
      return false;
    }
    if (!copy_slot(acknowledged)) return false;
    ++slot_;
    ++looked_at_;  // empty slots cost something too
  }
  return true;
}

bool WriteBack::copy_slot(Lsn acknowledged) {
  bool may_go = true;
  for (uint32_t table = 0; table < tier_.tables(); ++table) {
    const HotTable& rows = tier_.table(table);
    std::vector<uint32_t>& dirty = dirty_[table];
    dirty.clear();
    if (rows.rows() == 0) continue;
    rows.rows_of_slot(slot_, dirty);
    looked_at_ += dirty.size();
    std::erase_if(dirty, [&](uint32_t number) { return !rows.row(number)->dirty(); });
    for (const uint32_t number : dirty) may_go &= rows.row(number)->meta.lsn <= acknowledged;
  }
  if (!may_go) return false;
  for (uint32_t table = 0; table < tier_.tables(); ++table) {
    const HotTable& rows = tier_.table(table);
    std::ranges::sort(dirty_[table], {},
                      [&](uint32_t number) { return Key{rows.row(number)->key}; });
    for (const uint32_t number : dirty_[table]) copy_row(table, number);
  }
  return true;
}

void WriteBack::copy_row(uint32_t table, uint32_t number) {
  const HotTable& rows = tier_.table(table);
  const HotRow& row = *rows.row(number);
  run_.rows.entries.push_back({.key = {table, row.key},
                               .lsn = row.meta.lsn,
                               .last_step = row.meta.last_step,
                               .count = row.meta.count,
                               .offset = run_.rows.floats.size()});
  run_.rows.floats.resize(run_.rows.floats.size() + rows.layout().floats());
  load_row(rows.layout(), row, run_.rows.floats.data() + run_.rows.entries.back().offset);
  run_.highest_lsn = std::max(run_.highest_lsn, Lsn{row.meta.lsn});
  run_bytes_ += rows.row_bytes();
  copied_.push_back({table, number, row.meta.lsn});
}

void WriteBack::send_run() {
  if (copied_.empty()) {
    phase_ = Phase::kIdle;
    return;
  }
  phase_ = Phase::kSaving;
  rows_saved_ += copied_.size();
  run_bytes_ = 0;
  save_(std::exchange(run_, {}));
}

void WriteBack::run_saved() {
  check(phase_ == Phase::kSaving, "a run was saved that was not sent");
  phase_ = Phase::kCleaning;
  cleaned_ = 0;
}

// A row that changed again since it was copied stays dirty.
void WriteBack::clean_slice() {
  const size_t end = std::min<size_t>(copied_.size(), cleaned_ + kSliceRows);
  for (; cleaned_ < end; ++cleaned_) {
    const Copied& copied = copied_[cleaned_];
    HotRow& row = *tier_.table(copied.table).row(copied.number);
    if (row.meta.lsn == copied.lsn) tier_.mark_clean(copied.table, row);
  }
  if (cleaned_ < copied_.size()) return;
  copied_.clear();
  phase_ = slot_ == slots_.last ? Phase::kIdle : Phase::kCopying;
}

}  // namespace cairn
