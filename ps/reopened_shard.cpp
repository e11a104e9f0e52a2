#include "ps/reopened_shard.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "common/fault_point.h"
#include "ps/boot_id.h"
#include "ps/recovery_reads.h"

namespace cairn {

namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;

Result<std::unique_ptr<LogReader>> read_log(const fs::path& folder, Recovery recovery) {
  Result<std::string> boot = kernel_boot_id();
  if (!boot.ok()) return boot.error();
  Result<std::unique_ptr<LogReader>> log =
      LogReader::open(folder, {.recovery = recovery, .boot_id = std::move(boot).value()});
  if (!log.ok()) return log;
  // A shard logs a BASE before it says that it serves.
  if (!log.value()->base().has_value())
    return Error{ErrorCode::kCorrupt, fmt::format("{} holds no BASE record", folder.string())};
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
  std::error_code error;
  if (!fs::exists(folder / "store" / "CURRENT", error))
    return Error{ErrorCode::kNotFound,
                 fmt::format("{} holds no store", (folder / "store").string())};
  Result<std::unique_ptr<RocksStore>> store = RocksStore::open(folder / "store", options.tables);
  if (!store.ok()) return store.error();
  const Result<std::unique_ptr<LogReader>> log = read_log(folder / "log", ps.recovery);
  if (!log.ok()) return log.error();

  std::vector<StorageLoss> lost;
  for (const LostPart& part : log.value()->lost()) lost.push_back(loss_of(part, options.tables));
  options.last_lsn = log.value()->highest_lsn();
  if (std::optional<StorageLoss> end =
          missing_end(folder, options.last_lsn, store.value()->highest_lsn())) {
    if (ps.recovery == Recovery::kStrict)
      return Error{ErrorCode::kCorrupt,
                   end->why + "; with `ps.recovery: report` the shard would start without them"};
    options.last_lsn = end->last_lsn;
    lost.push_back(std::move(*end));
  }
  // Before the log goes on behind them.
  if (const Status noted = note_losses(folder, lost); !noted.ok()) return noted.error();
  Result<std::vector<StorageLoss>> losses = noted_losses(folder);
  if (!losses.ok()) return losses.error();

  fault_point("recovery.log_judged");

  options.base = log.value()->base()->base;
  options.sequences = log.value()->base()->sequences;
  const Lsn last_lsn = options.last_lsn;
  RocksRecoveryStore rows(*store.value(), options.slots, ps.read_threads);
  Result<std::unique_ptr<ShardRecovery>> recovery = ShardRecovery::begin(std::move(options), rows);
  if (!recovery.ok()) return recovery.error();
  const Status replayed = log.value()->for_each(
      [&](const LogRecord& record) { return recovery.value()->take(record); });
  if (!replayed.ok()) return replayed.error();
  Result<RecoveredShard> shard = recovery.value()->finish();
  if (!shard.ok()) return shard.error();

  fault_point("recovery.replayed");

  ReopenedShard reopened{.store = std::move(store).value(),
                         .shard = std::move(shard).value(),
                         .log_end = log.value()->end(),
                         .report = {},
                         .losses = std::move(losses).value()};
  // No lsn that was acknowledged, or is in the store, is given again.
  reopened.next_lsn = std::max(last_lsn, reopened.store->highest_lsn()) + 1;
  reopened.report.lost = std::move(lost);
  reopened.report.logged_rows = recovery.value()->logged_rows();
  reopened.report.unique_keys = recovery.value()->unique_keys();
  reopened.report.seconds = std::chrono::duration<double>(Clock::now() - began).count();
  return reopened;
}

}  // namespace cairn
