#include "ps/shard/flush.h"

#include <algorithm>
#include <utility>

#include "common/fault_point.h"

namespace cairn::ps {

namespace {
// The part of a log's second half that pushes may fill before a flush has got anywhere.
constexpr double kAheadOfFlush = 1.0 / 16;

// Files of level 0 above which a flush pauses, so that compaction keeps up.
constexpr uint32_t kBacklogMax = 48;

std::vector<WriteBack::Filter> filters_of(ShardRows& rows) {
  std::vector<WriteBack::Filter> filters;
  for (uint32_t table = 0; table < rows.tables(); ++table)
    if (KeyFilter* const filter = rows.admission(table).filter())
      filters.push_back({table, filter});
  return filters;
}
}  // namespace

Flush::Flush(SlotRange slots, uint64_t log_bytes_max, Uses uses)
    : log_bytes_max_(log_bytes_max),
      uses_(std::move(uses)),
      write_back_(
          slots, uses_.rows.tier(), [this](FlushFile file) { save(std::move(file)); },
          filters_of(uses_.rows)) {}

void Flush::log_replay_start(Lsn replay_after, std::vector<WorkerSequence> sequences) {
  const Lsn lsn = uses_.writer.take_lsn();
  replay_starts_.push_back({lsn, replay_after});
  uses_.writer.append({.lsn = lsn,
                       .kind = RecordKind::kReplayStart,
                       .push = nullptr,
                       .replay_after = replay_after,
                       .sequences = std::move(sequences)});
}

void Flush::start_if_due() {
  const HotTier& tier = uses_.rows.tier();
  if (active()) return;
  // A flush helps only if something was applied since the last one began.
  if (begun_ > 0 && uses_.clock.applied_step == applied_step_) return;
  if (tier.dirty_bytes() > tier.hot_bytes() / 2 || uses_.log.bytes() > log_bytes_max_ / 2) start();
}

void Flush::start() {
  ++begun_;
  applied_step_ = uses_.clock.applied_step;
  // Log rule 2: fixed now, written once the last file is in the store.
  replay_after_ = uses_.assembler.oldest_waiting(uses_.writer.next_lsn()) - 1;
  sequences_ = uses_.assembler.sequences();
  log_bytes_ = uses_.log.bytes();
  write_back_.begin(replay_after_);
}

bool Flush::work() {
  if (!active()) return false;
  const bool more =
      write_back_.work(uses_.clock.acknowledged_lsn, uses_.store.backlog() <= kBacklogMax);
  if (!active()) end();
  return more;
}

void Flush::on_logged() {
  while (!replay_starts_.empty() && replay_starts_.front().lsn <= uses_.clock.acknowledged_lsn) {
    fault_point("shard.replay_start_acknowledged");
    uses_.log.cut(replay_starts_.front().replay_after);
    drop_filters(replay_starts_.front().replay_after);
    replay_starts_.pop_front();
  }
}

uint64_t Flush::log_bytes_allowed() const {
  const uint64_t most = log_bytes_max_ - std::min(log_bytes_max_ / 4, uses_.log.reserve_bytes());
  const uint64_t from = std::max(log_bytes_, log_bytes_max_ / 2);
  if (!active() || from >= most) return most;
  const double part = std::min(1.0, write_back_.progress() + kAheadOfFlush);
  return from + static_cast<uint64_t>(part * static_cast<double>(most - from));
}

void Flush::save(FlushFile file) {
  uses_.metrics.write_back_rows.Increment(static_cast<double>(file.rows.entries.size()));
  uint64_t bytes = 0;
  for (const RowBatch::Entry& entry : file.rows.entries)
    bytes += uses_.rows.tier().table(entry.key.table).row_bytes();
  uses_.metrics.write_back_bytes.Increment(static_cast<double>(bytes));
  uses_.store.save_flush_file(std::move(file), [this, post = uses_.post](Status status) {
    post([this, status = std::move(status)] {
      if (uses_.failure.has_value()) return;
      if (!status.ok()) return uses_.fail(status.error());
      write_back_.flush_file_saved();
    });
  });
}

void Flush::end() {
  ++ended_;
  fault_point("shard.flush_ended");
  log_replay_start(replay_after_, std::move(sequences_));
  uses_.ended();
}

// The log begins at a later replay start now, so nothing is replayed from before it.
void Flush::drop_filters(Lsn below) {
  if (!write_back_.saves_filters()) return;
  uses_.store.drop_filters(below, [this, post = uses_.post](Status status) {
    if (status.ok()) return;
    post([this, status = std::move(status)] { uses_.fail(status.error()); });
  });
}

}  // namespace cairn::ps
