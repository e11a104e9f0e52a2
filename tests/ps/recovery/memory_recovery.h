// Recovery from a log and a store in memory.
#pragma once

#include <deque>

#include "ps/recovery/recovery.h"
#include "ps/store/memory_cold_store.h"

namespace cairn::ps {

class MemoryRecoveryStore final : public RecoveryStore {
 public:
  explicit MemoryRecoveryStore(MemoryColdStore& store) : store_(store) {}

  Lsn highest_lsn() const override {
    Lsn highest = 0;
    for (const auto& [key, value] : store_.rows()) highest = std::max(highest, value.entry.lsn);
    return highest;
  }
  bool empty() const override { return store_.empty(); }
  Status read(std::span<const RowKey> keys, const Found& found) override {
    Status status = Ok{};
    store_.read({keys.begin(), keys.end()}, [&](const Result<RowBatch>& rows) {
      if (rows.ok()) return found(keys, rows.value());
      status = rows.error();
    });
    store_.complete_all();
    return status;
  }
  Result<std::vector<SlotFilter>> filters(Lsn replay_after) override {
    return store_.filters(replay_after);
  }
  Status save_flush_file(const FlushFile& run) override {
    Status status = Ok{};
    store_.save_flush_file(run, [&](const Status& saved) { status = saved; });
    store_.complete_all();
    return status;
  }

 private:
  MemoryColdStore& store_;
};

// `records` are those of a log. They begin at or before the record that the last replay start
// replays from. If there is no replay start, `options.sequences` and `replay_after` say where to
// begin.
inline Result<RecoveredShard> recover(RecoveryOptions options, const std::deque<LogRecord>& records,
                                      RecoveryStore& store) {
  options.last_lsn = records.empty() ? options.replay_after : records.back().lsn;
  for (const LogRecord& record : records) {
    if (record.kind != RecordKind::kReplayStart) continue;
    options.replay_after = record.replay_after;
    options.sequences = record.sequences;
  }
  auto recovery = ShardRecovery::begin(options, store);
  if (!recovery.ok()) return recovery.error();
  for (const LogRecord& record : records) {
    if (record.lsn <= options.replay_after) continue;
    if (const Status taken = recovery.value()->take(record); !taken.ok()) return taken.error();
  }
  return recovery.value()->finish();
}

}  // namespace cairn::ps
