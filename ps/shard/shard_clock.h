// How far a shard has come. Every machine of the shard reads it; the shard alone writes it.
#pragma once

#include <algorithm>
#include <cstdint>

#include "ps/log/push_log.h"

namespace cairn::ps {

struct ShardClock {
  uint64_t applied_step = 0;  // the last step that is applied
  // The last record that the applied step needs in the log: the push that completed it, or the
  // removals after it.
  Lsn commit_lsn = 0;
  Lsn acknowledged_lsn = 0;  // every record up to this one is in the log
  // False while the slots due after the applied step are still looked through for rows to remove.
  bool step_is_over = true;

  // The last step that is applied as a whole, removals included.
  uint64_t whole_step() const {
    return step_is_over || applied_step == 0 ? applied_step : applied_step - 1;
  }
};

// Gives out the log sequence numbers of a shard, in order, and hands its records to the log.
// Thread safety: none; a shard's thread owns it.
class LogWriter {
 public:
  LogWriter(PushLog& log, Lsn next_lsn) : log_(log), next_lsn_(next_lsn) {}

  Lsn take_lsn() { return next_lsn_++; }
  // `record` has an lsn that was taken.
  void append(LogRecord record) { log_.append(std::move(record)); }
  Lsn next_lsn() const { return next_lsn_; }

 private:
  PushLog& log_;
  Lsn next_lsn_;
};

}  // namespace cairn::ps
