// A push log in memory, for tests. Records are acknowledged, and writes fail, when the test says
// so. The kept records can be looked at, as after a crash.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>

#include "ps/log/push_log.h"

namespace cairn::ps {

// Thread safety: none; `Logged` is called inside `complete` and `fail`.
class MemoryPushLog final : public PushLog {
 public:
  explicit MemoryPushLog(Logged logged, Lsn next_lsn = 1);

  void append(LogRecord record) override;
  uint64_t bytes() const override;
  uint64_t reserve_bytes() const override { return 0; }
  void cut(Lsn replay_after) override;

  // Records appended and not yet acknowledged.
  size_t pending() const { return records_.size() - acknowledged_; }
  // Acknowledges the next `count` pending records as one group.
  void complete(size_t count);
  void complete_all() { complete(pending()); }
  // The next write fails: reported once, and nothing is acknowledged from here on.
  void fail(const Error& error);

  // The process dies and the log is opened again. The log then has the first `unacknowledged` of
  // the records that were not acknowledged; the others are lost.
  void crash(size_t unacknowledged);

  Lsn next_lsn() const { return next_lsn_; }

  // The records that a reader would find after a crash: acknowledged records above the last cut.
  std::deque<LogRecord> kept() const;

 private:
  const Logged logged_;
  Lsn next_lsn_;
  Lsn cut_to_;  // no record below or at it is kept
  bool failed_ = false;
  std::deque<LogRecord> records_;  // above the last cut
  size_t acknowledged_ = 0;        // of them, from the front
};

}  // namespace cairn::ps
