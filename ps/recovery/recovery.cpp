#include "ps/recovery/recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "common/check.h"
#include "common/fault_point.h"
#include "ps/recovery/recovery_keys.h"
#include "ps/step/step_update.h"

namespace cairn::ps {

namespace {

// Looks of the tier's hand round its rows: one to spare those used, one to take them.
constexpr int kRounds = 4;
// The part of `hot_bytes` that pushes may take before they are applied: their rows take two to
// three times as much.
constexpr uint64_t kHotPart = 16;

uint64_t bytes_of(const StepAssembler::Step& step) {
  uint64_t bytes = 0;
  for (const auto& push : step.pushes) bytes += push->keys.size() + push->values.size();
  return bytes;
}

Error corrupt(const LogRecord& record, std::string_view why) {
  return {ErrorCode::kCorrupt, fmt::format("log record {}: {}", record.lsn, why)};
}

}  // namespace

Result<std::unique_ptr<ShardRecovery>> ShardRecovery::begin(RecoveryOptions options,
                                                            RecoveryStore& store) {
  // A row is written to the store only once the log has its lsn (log rule 1).
  if (store.highest_lsn() > options.last_lsn)
    return Error{ErrorCode::kCorrupt,
                 fmt::format("the store holds rows of lsn {}, but the log ends at {}",
                             store.highest_lsn(), options.last_lsn)};
  const auto of_base = [&](std::string why) {
    return Error{ErrorCode::kCorrupt,
                 fmt::format("the log's replay start {}: {}", options.replay_after, why)};
  };
  if (options.sequences.size() != options.workers)
    return of_base(fmt::format("{} workers, want {}", options.sequences.size(), options.workers));
  for (const WorkerSequence& worker : options.sequences)
    if (worker.applied_step != options.sequences[0].applied_step)
      return of_base("workers of different steps");
  Result<std::unique_ptr<ShardRows>> rows =
      ShardRows::create(options.slots, options.tables, options.seed, options.hot_bytes);
  if (!rows.ok()) return rows.error();
  const Result<std::vector<SlotFilter>> filters = store.filters(options.replay_after);
  if (!filters.ok()) return filters.error();
  if (const Status loaded = rows.value()->load_filters(filters.value()); !loaded.ok())
    return loaded.error();
  return std::unique_ptr<ShardRecovery>(
      new ShardRecovery(std::move(options), store, std::move(rows).value()));
}

ShardRecovery::ShardRecovery(RecoveryOptions options, RecoveryStore& store,
                             std::unique_ptr<ShardRows> rows)
    : options_(std::move(options)),
      store_(store),
      rows_(std::move(rows)),
      assembler_(options_.sequences),
      taken_(options_.replay_after),
      write_back_(options_.slots, rows_->tier(),
                  [this](FlushFile run) { runs_.push_back(std::move(run)); }),
      deferred_(options_.tables.size()) {}

Status ShardRecovery::take(const LogRecord& record) {
  // Between two lives of a shard some may have been left out.
  if (record.lsn <= taken_) return corrupt(record, fmt::format("comes after record {}", taken_));
  taken_ = record.lsn;
  switch (record.kind) {
    case RecordKind::kPush:
      return take_push(record);
    case RecordKind::kReplayStart:
      return Ok{};  // the last one was found before
    case RecordKind::kDelete:
      return take_delete(record);
  }
  return corrupt(record, "unknown kind");
}

// A push is skipped if its step was applied when the replay start's flush began, never by its
// sequence: pushes that were accepted then and waited for others of their step are behind the
// replay start as well.
Status ShardRecovery::take_push(const LogRecord& record) {
  const Header& header = record.push->header;
  if (header.worker >= options_.workers)
    return corrupt(record, fmt::format("worker {} of {}", header.worker, options_.workers));
  if (header.step <= options_.sequences[header.worker].applied_step) return Ok{};
  if (!assembler_.follows(header))
    return corrupt(record,
                   fmt::format("step {} of worker {} is not its next", header.step, header.worker));
  for (const TableEntry& entry : record.push->directory)
    if (entry.table >= rows_->tables() || entry.dim != rows_->dim(entry.table))
      return corrupt(record, fmt::format("no table {} of dim {}", entry.table, entry.dim));
  for (size_t i = 0; i < record.push->key_count(); ++i)
    if (!options_.slots.contains(slot_of(record.push->key(i))))
      return corrupt(record, "a key of a slot that is not this shard's");
  assembler_.replay(record.push, record.lsn);
  if (assembler_.complete() == nullptr) return Ok{};
  ready_.push_back(*assembler_.complete());
  assembler_.applied();
  ready_bytes_ += bytes_of(ready_.back());
  return ready_bytes_ < options_.hot_bytes / kHotPart ? Status(Ok{}) : apply_ready();
}

Status ShardRecovery::take_delete(const LogRecord& record) {
  if (record.step != assembler_.applied_step())
    return corrupt(record, fmt::format("deletes rows after step {}, but the last one is {}",
                                       record.step, assembler_.applied_step()));
  for (const DeletedKey& deleted : record.deleted)
    if (deleted.table >= rows_->tables() || !options_.slots.contains(slot_of(deleted.key)))
      return corrupt(record, fmt::format("deletes key {} of table {}, which is not this shard's",
                                         deleted.key, deleted.table));
  deletions_.push_back({ready_.size(), record.lsn, record.deleted});
  return Ok{};
}

// Those that come after so many of the steps in hand. A row that the store holds from a later step
// was made anew since: it has a higher lsn, and stays.
void ShardRecovery::delete_rows(size_t steps_before) {
  for (; !deletions_.empty() && deletions_.front().steps_before == steps_before;
       deletions_.pop_front())
    for (const DeletedKey& deleted : deletions_.front().keys)
      rows_->remove(static_cast<uint32_t>(deleted.table), deleted.key, deletions_.front().lsn);
}

Status ShardRecovery::apply_ready() {
  std::vector<RowKey> keys = keys_of(ready_, options_.slots);
  if (!deletions_.empty()) {
    for (const Deletion& deletion : deletions_)
      for (const DeletedKey& deleted : deletion.keys)
        keys.push_back({static_cast<uint32_t>(deleted.table), deleted.key});
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  }
  unique_keys_ += keys.size();
  if (const Status room = make_room(keys.size()); !room.ok()) return room;
  rows_->erase_present(keys);
  reserve(keys);
  const auto install = [&](std::span<const RowKey> part, const RowBatch& found) {
    rows_->install(part, found, /*pin=*/0);
  };
  if (store_.empty()) {
    install(keys, {});
  } else if (const Status read = store_.read(keys, install); !read.ok()) {
    return read;
  }
  fault_point("recovery.rows_read");
  delete_rows(0);
  for (size_t i = 0; i < ready_.size(); ++i) {
    const StepAssembler::Step& step = ready_[i];
    apply_step(*rows_, step, /*create=*/false, deferred_);
    count_keys(*rows_, step);
    delete_rows(i + 1);
    for (const ShardRows::Deferred& deferred : deferred_)
      check(deferred.keys.empty(), "every row that a step touches was read before");
    for (const auto& push : step.pushes) logged_rows_ += push->key_count();
  }
  ready_.clear();
  ready_bytes_ = 0;
  return Ok{};
}

void ShardRecovery::reserve(std::span<const RowKey> keys) {
  HotTier& tier = rows_->tier();
  std::vector<uint64_t> more(tier.tables());
  for (const RowKey& key : keys) ++more[key.table];
  for (uint32_t table = 0; table < tier.tables(); ++table)
    tier.table(table).reserve(tier.table(table).rows() + more[table]);
}

// Where clean rows do not make enough of it, the tier grows past its bound.
Status ShardRecovery::make_room(uint64_t rows) {
  HotTier& tier = rows_->tier();
  uint64_t row_bytes = 0;
  for (uint32_t table = 0; table < tier.tables(); ++table)
    row_bytes = std::max<uint64_t>(row_bytes, tier.table(table).row_bytes());
  if (tier.rows() == 0 || tier.bytes() + rows * row_bytes <= tier.hot_bytes()) return Ok{};
  if (const Status written = write_back(taken_); !written.ok()) return written;
  constexpr uint64_t kNoPins = std::numeric_limits<uint64_t>::max();
  for (int round = 0; round < kRounds; ++round)
    if (tier.make_room(rows * row_bytes, kNoPins)) break;
  return Ok{};
}

Status ShardRecovery::write_back(Lsn acknowledged) {
  write_back_.begin(options_.replay_after);
  while (write_back_.active()) {
    write_back_.work(acknowledged);
    for (const FlushFile& run : std::exchange(runs_, {})) {
      fault_point("recovery.run_copied");
      if (const Status saved = store_.save_flush_file(run); !saved.ok()) return saved;
      write_back_.flush_file_saved();
    }
  }
  return Ok{};
}

Result<RecoveredShard> ShardRecovery::finish() {
  if (const Status applied = apply_ready(); !applied.ok()) return applied.error();
  return RecoveredShard{std::move(rows_), std::move(assembler_), options_.replay_after,
                        options_.sequences};
}

}  // namespace cairn::ps
