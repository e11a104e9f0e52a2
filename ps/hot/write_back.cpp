#include "ps/hot/write_back.h"

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "ps/hot/row_values.h"

namespace cairn::ps {

namespace {
constexpr uint64_t kRunBytes = uint64_t{64} << 20;
// Rows that one slice may look at: about a millisecond's work, as rows are scattered over memory.
constexpr uint64_t kSliceRows = 4096;
constexpr size_t kAhead = 16;  // rows asked for ahead
}  // namespace

WriteBack::WriteBack(SlotRange slots, HotTier& tier, std::function<void(FlushFile)> save,
                     std::vector<Filter> filters)
    : slots_(slots),
      tier_(tier),
      save_(std::move(save)),
      filters_(std::move(filters)),
      dirty_(tier.tables()) {}

void WriteBack::begin(Lsn replay_after) {
  check(!active(), "one flush at a time");
  replay_after_ = replay_after;
  for (const Filter& filter : filters_) filter.counters->begin_save();
  active_ = true;
  slot_ = slots_.first;
  reserve_run();
}

bool WriteBack::work(Lsn acknowledged, bool may_copy) {
  if (!active_) return false;
  if (!saved_.empty()) {
    clean_slice();
    if (!saved_.empty()) return true;
  }
  bool more = may_copy && copy_slice(acknowledged);
  if (run_is_full() && !run_under_way_) {
    send_run();
    more = may_copy && slot_ < slots_.last;
  }
  active_ = slot_ < slots_.last || has_run() || run_under_way_;
  return more;
}

bool WriteBack::run_is_full() const {
  return run_bytes_ >= kRunBytes || (slot_ == slots_.last && has_run());
}

// False: there is nothing to copy now.
bool WriteBack::copy_slice(Lsn acknowledged) {
  for (looked_at_ = 0; looked_at_ < kSliceRows;) {
    if (slot_ == slots_.last || run_is_full() || !copy_slot(acknowledged)) return false;
    copy_filters();
    ++slot_;
    ++looked_at_;  // empty slots cost something too
  }
  return true;
}

// The dirty rows of a slot, a table each, by key. False: one is not acknowledged yet.
bool WriteBack::copy_slot(Lsn acknowledged) {
  for (uint32_t table = 0; table < tier_.tables(); ++table)
    if (!find_dirty(table, acknowledged)) return false;
  for (uint32_t table = 0; table < tier_.tables(); ++table) {
    std::ranges::sort(dirty_[table]);
    for (const auto& [key, number] : dirty_[table]) copy_row(table, number);
  }
  return true;
}

bool WriteBack::find_dirty(uint32_t table, Lsn acknowledged) {
  const HotTable& rows = tier_.table(table);
  dirty_[table].clear();
  if (rows.rows() == 0) return true;
  numbers_.clear();
  rows.rows_of_slot(slot_, numbers_);
  looked_at_ += numbers_.size();
  for (size_t i = 0; i < numbers_.size(); ++i) {
    if (i + kAhead < numbers_.size()) {
      const char* ahead = reinterpret_cast<const char*>(rows.row(numbers_[i + kAhead]));
      for (size_t at = 0; at < rows.row_bytes(); at += 64) __builtin_prefetch(ahead + at);
    }
    const HotRow& row = *rows.row(numbers_[i]);
    if (!row.dirty()) continue;
    if (row.meta.lsn > acknowledged) return false;
    dirty_[table].emplace_back(row.key, numbers_[i]);
  }
  return true;
}

void WriteBack::copy_filters() {
  for (const Filter& filter : filters_) {
    run_.filters.push_back({filter.table, slot_, filter.counters->saved(slot_)});
    run_bytes_ += filter.counters->slot_bytes();
  }
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

// All at once: a vector that grows would be copied, tens of megabytes between two messages.
void WriteBack::reserve_run() {
  const uint64_t row_bytes = tier_.table(0).row_bytes();
  const uint64_t bytes = std::min(kRunBytes + kRunBytes / 8, tier_.dirty_bytes());
  run_.rows.floats.reserve(bytes / sizeof(float));
  run_.rows.entries.reserve(bytes / row_bytes);
  copied_.reserve(bytes / row_bytes);
}

void WriteBack::send_run() {
  run_under_way_ = true;
  run_.filters_version = replay_after_;
  rows_saved_ += copied_.size();
  run_bytes_ = 0;
  saving_ = std::exchange(copied_, {});
  FlushFile run = std::exchange(run_, {});
  if (slot_ < slots_.last) reserve_run();
  save_(std::move(run));
}

void WriteBack::flush_file_saved() {
  check(run_under_way_ && saved_.empty(), "a run was saved that was not sent");
  run_under_way_ = false;
  saved_ = std::exchange(saving_, {});
  cleaned_ = 0;
}

// A row that changed again since it was copied stays dirty.
void WriteBack::clean_slice() {
  const size_t end = std::min<size_t>(saved_.size(), cleaned_ + kSliceRows);
  for (; cleaned_ < end; ++cleaned_) {
    if (cleaned_ + kAhead < saved_.size()) {
      const Copied& ahead = saved_[cleaned_ + kAhead];
      __builtin_prefetch(&tier_.table(ahead.table).row(ahead.number)->meta);
    }
    const Copied& copied = saved_[cleaned_];
    HotRow& row = *tier_.table(copied.table).row(copied.number);
    if (row.meta.lsn == copied.lsn) tier_.mark_clean(copied.table, row);
  }
  if (cleaned_ == saved_.size()) saved_.clear();
}

}  // namespace cairn::ps
