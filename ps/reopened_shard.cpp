#include "ps/reopened_shard.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
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

void report_lost(const LogReader& log, RecoveryReport& report) {
  for (const LostPart& part : log.lost()) {
    report.lost_records += part.last_lsn - part.first_lsn + 1;
    report.lost.push_back(fmt::format("records {} to {} are lost: {} at byte {}: {}",
                                      part.first_lsn, part.last_lsn, part.file.string(),
                                      part.offset, part.why));
  }
}

}  // namespace

void RecoveryReport::add(const RecoveryReport& other) {
  seconds = std::max(seconds, other.seconds);
  logged_rows += other.logged_rows;
  unique_keys += other.unique_keys;
  lost_records += other.lost_records;
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

  fault_point("recovery.log_judged");

  options.base = log.value()->base()->base;
  options.sequences = log.value()->base()->sequences;
  // Lost records may have reached the store: it is ahead of those only.
  options.last_lsn = log.value()->highest_lsn();
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
                         .report = {}};
  // No lsn that was acknowledged, or is in the store, is given again.
  reopened.next_lsn = std::max(log.value()->highest_lsn(), reopened.store->highest_lsn()) + 1;
  report_lost(*log.value(), reopened.report);
  reopened.report.logged_rows = recovery.value()->logged_rows();
  reopened.report.unique_keys = recovery.value()->unique_keys();
  reopened.report.seconds = std::chrono::duration<double>(Clock::now() - began).count();
  return reopened;
}

}  // namespace cairn
