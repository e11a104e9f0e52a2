#include "ps/recovery/reopened_shard.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "common/fault_point.h"
#include "ps/recovery/recovery_reads.h"
#include "ps/store/store_salvage.h"
#include "ps/system/boot_id.h"

namespace cairn::ps {

namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;

Result<std::unique_ptr<LogReader>> read_log(const fs::path& folder, Recovery recovery) {
  Result<std::string> boot = kernel_boot_id();
  if (!boot.ok()) return boot.error();
  Result<std::unique_ptr<LogReader>> log =
      LogReader::open(folder, {.recovery = recovery, .boot_id = std::move(boot).value()});
  if (!log.ok()) return log;
  // A shard logs a replay start before it says that it serves.
  if (!log.value()->replay_start().has_value())
    return Error{ErrorCode::kCorrupt, fmt::format("{} holds no replay start", folder.string())};
  return log;
}

StorageLoss loss_of(const LostPart& part, const std::vector<TableConfig>& tables) {
  StorageLoss loss{.file = part.file.string(),
                   .offset = part.offset,
                   .first_lsn = part.first_lsn,
                   .last_lsn = part.last_lsn,
                   .gradients = part.whole.gradients,
                   .bytes = part.whole.bytes,
                   .tables = {},
                   .why = {}};
  for (const uint32_t table : part.whole.tables)
    if (table < tables.size()) loss.tables.push_back(tables[table].name);
  loss.why = fmt::format(
      "log records {} to {} are lost ({} row gradients of tables {} in those of them that are "
      "whole): {}",
      loss.first_lsn, loss.last_lsn, loss.gradients, fmt::join(loss.tables, ", "), part.why);
  return loss;
}

// A row is written to the store only once the log has its lsn (log rule 1): where the store is
// ahead, the log has lost its end, which then looks like a torn tail.
std::optional<StorageLoss> missing_end(const fs::path& folder, Lsn log_end, Lsn store_end) {
  if (store_end <= log_end) return std::nullopt;
  StorageLoss loss{.file = (folder / "log").string(),
                   .first_lsn = log_end + 1,
                   .last_lsn = store_end,
                   .tables = {},
                   .why = {}};
  loss.why = fmt::format(
      "log records {} to {} are lost: {} holds rows of lsn {}, but the log in {} ends at {}",
      loss.first_lsn, loss.last_lsn, (folder / "store").string(), store_end, loss.file, log_end);
  return loss;
}

// `damaged` is set to whether it is, or an earlier process found it so.
Result<std::unique_ptr<RocksStore>> open_store(const fs::path& folder, Recovery recovery,
                                               const std::vector<TableConfig>& tables,
                                               bool& damaged) {
  Result<std::unique_ptr<RocksStore>> store = RocksStore::open(folder, tables);
  damaged = !store.ok() && store.error().code == ErrorCode::kCorrupt;
  if (store.ok() && recovery == Recovery::kReport && is_marked_damaged(folder)) {
    damaged = true;
    return Error{ErrorCode::kCorrupt, fmt::format("{} was found damaged", folder.string())};
  }
  return store;
}

struct ValidatedLog {
  std::unique_ptr<LogReader> reader;
  Lsn last_lsn = 0;  // that was acknowledged, lost or not
  std::vector<StorageLoss> lost;
};

Result<ValidatedLog> validate_log(const fs::path& folder, Recovery recovery,
                                  const std::vector<TableConfig>& tables, Lsn store_end) {
  Result<std::unique_ptr<LogReader>> reader = read_log(folder / "log", recovery);
  if (!reader.ok()) return reader.error();
  ValidatedLog log{std::move(reader).value(), 0, {}};
  for (const LostPart& part : log.reader->lost()) log.lost.push_back(loss_of(part, tables));
  log.last_lsn = log.reader->highest_lsn();
  // Left by a process that noted a loss and died before it had gone on behind it.
  const Result<std::vector<StorageLoss>> earlier = noted_losses(folder);
  if (!earlier.ok()) return earlier.error();
  if (recovery == Recovery::kReport)
    for (const StorageLoss& loss : earlier.value())
      log.last_lsn = std::max(log.last_lsn, loss.last_lsn);
  if (std::optional<StorageLoss> end = missing_end(folder, log.last_lsn, store_end)) {
    if (recovery == Recovery::kStrict)
      return Error{ErrorCode::kCorrupt,
                   end->why + "; with `ps.recovery: report` the shard would start without them"};
    log.last_lsn = end->last_lsn;
    log.lost.push_back(std::move(*end));
  }
  return log;
}

struct Replayed {
  RecoveredShard shard;
  uint64_t logged_rows = 0, unique_keys = 0;
};

Result<Replayed> replay(const LogReader& log, RecoveryOptions options, RecoveryStore& store) {
  const Result<std::unique_ptr<ShardRecovery>> made =
      ShardRecovery::begin(std::move(options), store);
  if (!made.ok()) return made.error();
  ShardRecovery& recovery = *made.value();
  const Status taken = log.for_each([&](const LogRecord& record) { return recovery.take(record); });
  if (!taken.ok()) return taken.error();
  Result<RecoveredShard> shard = recovery.finish();
  if (!shard.ok()) return shard.error();
  return Replayed{std::move(shard).value(), recovery.logged_rows(), recovery.unique_keys()};
}

// Errors: as of reopen_shard; `damaged` is set to whether the store is the reason.
Result<ReopenedShard> bring_back(const fs::path& folder, const PsConfig& ps,
                                 RecoveryOptions options, bool& damaged) {
  Result<std::unique_ptr<RocksStore>> store =
      open_store(folder / "store", ps.recovery, options.tables, damaged);
  if (!store.ok()) return store.error();
  Result<ValidatedLog> log =
      validate_log(folder, ps.recovery, options.tables, store.value()->highest_lsn());
  if (!log.ok()) return log.error();
  // Before the log goes on behind them.
  if (const Status noted = note_losses(folder, log.value().lost); !noted.ok()) return noted.error();
  Result<std::vector<StorageLoss>> losses = noted_losses(folder);
  if (!losses.ok()) return losses.error();

  fault_point("recovery.log_validated");

  const LogReader& reader = *log.value().reader;
  const Lsn last_lsn = options.last_lsn = log.value().last_lsn;
  options.replay_after = reader.replay_start()->replay_after;
  options.sequences = reader.replay_start()->sequences;
  RocksRecoveryStore rows(*store.value(), options.slots, ps.read_threads);
  Result<Replayed> replayed = replay(reader, std::move(options), rows);
  damaged = rows.met_damage();
  if (!replayed.ok()) return replayed.error();

  fault_point("recovery.replayed");

  ReopenedShard reopened{.store = std::move(store).value(),
                         .shard = std::move(replayed.value().shard),
                         .log_end = reader.end(),
                         .report = {},
                         .losses = std::move(losses).value()};
  // No lsn that was acknowledged, or is in the store, is given again.
  reopened.next_lsn = std::max(last_lsn, reopened.store->highest_lsn()) + 1;
  reopened.report.lost = std::move(log.value().lost);
  reopened.report.logged_rows = replayed.value().logged_rows;
  reopened.report.unique_keys = replayed.value().unique_keys;
  return reopened;
}

// Makes the store anew of what can be read of it; the log tells which filters belong to it.
Result<std::vector<StorageLoss>> salvage(const fs::path& folder, Recovery recovery,
                                         const RecoveryOptions& options) {
  const Result<std::unique_ptr<LogReader>> log = read_log(folder / "log", recovery);
  if (!log.ok()) return log.error();
  return salvage_store(folder, options.tables, options.slots,
                       log.value()->replay_start()->replay_after);
}

}  // namespace

void RecoveryReport::add(const RecoveryReport& other) {
  seconds = std::max(seconds, other.seconds);
  logged_rows += other.logged_rows;
  unique_keys += other.unique_keys;
  lost.insert(lost.end(), other.lost.begin(), other.lost.end());
}

Result<ReopenedShard> reopen_shard(const fs::path& folder, const PsConfig& ps,
                                   RecoveryOptions options) {
  const Clock::time_point began = Clock::now();
  if (const Status finished = finish_salvage(folder); !finished.ok()) return finished.error();
  std::error_code error;
  if (!fs::exists(folder / "store" / "CURRENT", error))
    return Error{ErrorCode::kNotFound,
                 fmt::format("{} holds no store", (folder / "store").string())};
  bool damaged = false;
  Result<ReopenedShard> reopened = bring_back(folder, ps, options, damaged);
  if (!reopened.ok() && damaged && ps.recovery == Recovery::kReport) {
    Result<std::vector<StorageLoss>> lost = salvage(folder, ps.recovery, options);
    if (!lost.ok()) return lost.error();
    reopened = bring_back(folder, ps, options, damaged);
    if (reopened.ok()) reopened.value().report.add({.lost = std::move(lost).value()});
  }
  if (!reopened.ok()) return reopened;
  reopened.value().report.seconds = std::chrono::duration<double>(Clock::now() - began).count();
  return reopened;
}

}  // namespace cairn::ps
