// Write-back of dirty rows, the replay starts that let the log be cut, and checkpoints.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/check.h"
#include "common/fault_point.h"
#include "ps/shard/shard.h"

namespace cairn {

namespace {
// The part of a log's second half that pushes may fill before a flush has got anywhere.
constexpr double kAheadOfFlush = 1.0 / 16;

// Files of level 0 above which a flush pauses, so that compaction keeps up.
constexpr uint32_t kBacklogMax = 48;

bool is_same_request(const Header& a, const Header& b) {
  return a.worker == b.worker && a.sequence == b.sequence && a.step == b.step;
}
}  // namespace

void Shard::start_flush_if_due() {
  const HotTier& tier = rows_->tier();
  if (write_back_.active()) return;
  // A flush helps only if something was applied since the last one began.
  if (flushes_begun_ > 0 && assembler_.applied_step() == flush_applied_step_) return;
  if (tier.dirty_bytes() > tier.hot_bytes() / 2 ||
      environment_.log.bytes() > options_.log_bytes_max / 2)
    start_flush();
}

void Shard::start_flush() {
  ++flushes_begun_;
  flush_applied_step_ = assembler_.applied_step();
  // Log rule 2: fixed now, written once the last run is in the store.
  flush_base_ = assembler_.oldest_waiting(next_lsn_) - 1;
  flush_sequences_ = assembler_.sequences();
  flush_log_bytes_ = environment_.log.bytes();
  write_back_.begin(flush_base_);
}

bool Shard::work_on_flush() {
  if (!write_back_.active()) return false;
  const bool more = write_back_.work(acknowledged_, environment_.store.backlog() <= kBacklogMax);
  if (!write_back_.active()) flush_ended();
  return more;
}

// At which pushes wait. A flush frees the log at its end, all at once; but pushes get what is left
// of it bit by bit, as the flush gets on, and so wait often and briefly instead of once and long.
uint64_t Shard::log_bytes_allowed() const {
  const uint64_t most = options_.log_bytes_max -
                        std::min(options_.log_bytes_max / 4, environment_.log.reserve_bytes());
  const uint64_t from = std::max(flush_log_bytes_, options_.log_bytes_max / 2);
  if (!write_back_.active() || from >= most) return most;
  const double part = std::min(1.0, write_back_.progress() + kAheadOfFlush);
  return from + static_cast<uint64_t>(part * static_cast<double>(most - from));
}

void Shard::save_flush_file(FlushFile run) {
  metrics_.write_back_rows.Increment(static_cast<double>(run.rows.entries.size()));
  uint64_t bytes = 0;
  for (const RowBatch::Entry& entry : run.rows.entries)
    bytes += rows_->tier().table(entry.key.table).row_bytes();
  metrics_.write_back_bytes.Increment(static_cast<double>(bytes));
  environment_.store.save_flush_file(std::move(run),
                                     [this, post = environment_.post](Status status) {
                                       post([this, status = std::move(status)] {
                                         if (failure_.has_value()) return;
                                         if (!status.ok()) return fail(status.error());
                                         write_back_.flush_file_saved();
                                       });
                                     });
}

void Shard::flush_ended() {
  ++flushes_ended_;
  fault_point("shard.flush_ended");
  append_replay_start(flush_base_, std::move(flush_sequences_));
  rows_->tier().make_room(0, assembler_.applied_step());
  release_pulls_waiting_for_room();
  advance_checkpoint();
}

// The log begins at a later replay start now, so nothing is replayed from before it.
void Shard::drop_filters(Lsn below) {
  if (!write_back_.saves_filters()) return;
  environment_.store.drop_filters(below, [this, post = environment_.post](Status status) {
    if (status.ok()) return;
    post([this, status = std::move(status)] { fail(status.error()); });
  });
}

void Shard::append_replay_start(Lsn replay_after, std::vector<WorkerSequence> sequences) {
  const Lsn lsn = next_lsn_++;
  bases_.push_back({lsn, replay_after});
  environment_.log.append({.lsn = lsn,
                           .kind = RecordKind::kReplayStart,
                           .push = nullptr,
                           .replay_after = replay_after,
                           .sequences = std::move(sequences)});
}

void Shard::on_checkpoint(Request from, const Message& message) {
  const auto refused = [&](StatusCode status, const std::string& why) {
    refuse(from, status, RefusalReason::kOther, why);
  };
  const nlohmann::json request = nlohmann::json::parse(message.text(), nullptr, false);
  if (!request.is_object() || !request.contains("folder") || !request["folder"].is_string())
    return refused(StatusCode::kBadMessage, "a checkpoint names its folder: {\"folder\": ...}");
  const std::filesystem::path folder(request["folder"].get<std::string>());
  const uint64_t step = from.header.step, applied = assembler_.applied_step();

  if (last_checkpoint_.has_value() && is_same_request(last_checkpoint_->request, from.header) &&
      last_checkpoint_->folder == folder)
    return reply(from, StatusCode::kOk, last_checkpoint_->reply);
  if (checkpoint_.has_value()) {
    if (!is_same_request(checkpoint_->from.header, from.header) || checkpoint_->folder != folder)
      return refused(StatusCode::kFailed, "another checkpoint is under way");
    checkpoint_->from = std::move(from);  // it came again
    return;
  }
  if (step < applied || (step == applied && applying_))
    return refused(StatusCode::kFailed, "step " + std::to_string(applied) +
                                            " is applied, too late for a checkpoint of step " +
                                            std::to_string(step));
  checkpoint_ = Checkpoint{.from = std::move(from), .folder = folder};
  // Most dirty rows are written while training goes on to that step.
  if (step > applied && !write_back_.active()) start_flush();
  advance_checkpoint();
}

// Rows of later steps must not enter a checkpoint.
bool Shard::applying_is_held() const {
  return checkpoint_.has_value() && assembler_.applied_step() >= checkpoint_->from.header.step;
}

void Shard::advance_checkpoint() {
  using Phase = Checkpoint::Phase;
  if (!checkpoint_.has_value()) return;
  if (checkpoint_->phase == Phase::kWaiting) {
    if (!applying_is_held() || examining_ || commit_lsn_ > acknowledged_) return;
    checkpoint_->phase = Phase::kFlushing;
    // Nothing changed: the store holds every row and count. Otherwise a flush that begins now will
    // see to it.
    checkpoint_->flush =
        rows_->tier().dirty_bytes() == 0 && !rows_->filters_changed() ? 0 : flushes_begun_ + 1;
  }
  if (checkpoint_->phase != Phase::kFlushing) return;
  if (checkpoint_->flush > flushes_ended_) {
    if (!write_back_.active()) start_flush();
    return;
  }
  checkpoint_->phase = Phase::kStoring;
  environment_.store.checkpoint(
      checkpoint_->folder, [this, post = environment_.post](Result<ShardFiles> files) {
        post([this, files = std::move(files)] { checkpoint_stored(files); });
      });
}

void Shard::checkpoint_stored(const Result<ShardFiles>& files) {
  if (failure_.has_value()) return;
  const Checkpoint done = std::move(*checkpoint_);
  checkpoint_.reset();
  if (files.ok()) {
    nlohmann::json answer = {{"files", nlohmann::json::array()},
                             {"slots", {slots_.first, slots_.last}},
                             {"rows", nullptr}};
    if (const auto rows = row_counts()) answer["rows"] = *rows;
    for (const ShardFiles::File& file : files.value().files)
      answer["files"].push_back({{"name", file.name}, {"bytes", file.bytes}});
    last_checkpoint_ = {done.from.header, done.folder, answer.dump()};
    metrics_.checkpoints.Increment();
    reply(done.from, StatusCode::kOk, last_checkpoint_->reply);
  } else {
    // What the shard serves is as good as before: the job decides whether it goes on.
    refuse(done.from, StatusCode::kFailed, RefusalReason::kOther, files.error().message);
  }
  apply_steps();
}

}  // namespace cairn
