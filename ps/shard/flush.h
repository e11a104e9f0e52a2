// Writes a shard's dirty rows to the store. A flush begins where half of the hot tier is dirty or
// half of the log is full. A checkpoint or a pull may ask for one too. At its end a replay start is
// logged; once that is acknowledged, the log before it is cut.
//
// A flush frees the log at its end, all at once. Pushes get the rest of the log bit by bit, as the
// flush gets on (log_has_room). So they wait often and briefly instead of once and long. Log rule 2
// of docs/storage.md is here. Thread safety: none; a shard's thread owns it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "common/metrics/metrics.h"
#include "ps/hot/shard_rows.h"
#include "ps/hot/write_back.h"
#include "ps/shard/shard_clock.h"
#include "ps/step/step_assembler.h"
#include "ps/store/cold_store.h"
#include "ps/system/post.h"

namespace cairn::ps {

class Flush {
 public:
  // Everything that a flush reads and acts through, all of which outlives the flush.
  struct Uses {
    ShardRows& rows;
    ColdStore& store;
    PushLog& log;
    LogWriter& writer;
    const ShardClock& clock;
    const StepAssembler& assembler;
    ShardMetrics& metrics;
    Post post;
    const std::optional<Error>& failure;  // of the shard: set, nothing happens any more
    std::function<void(const Error&)> fail;
    std::function<void()> ended;  // called when a flush is over
  };

  Flush(SlotRange slots, uint64_t log_bytes_max, Uses uses);

  // Logs a replay start: everything up to `replay_after` is in the store. Recovery starts at a
  // replay start, so a log begins with one.
  void log_replay_start(Lsn replay_after, std::vector<WorkerSequence> sequences);

  void start();  // only where none is active
  void start_if_due();
  // Does a slice of the active flush. True: there is more to do at once.
  bool work();
  // The log has acknowledged more: cuts the log at replay starts that are safe now.
  void on_logged();

  bool active() const { return write_back_.active(); }
  // The numbers of flushes that have begun and that have ended. A flush that begins now is number
  // begun() + 1. Its rows are stored once ended() is that high.
  uint64_t begun() const { return begun_; }
  uint64_t ended() const { return ended_; }
  uint64_t rows_saved() const { return write_back_.rows_saved(); }

  // Whether the log may take a push that begins a step.
  bool log_has_room() const { return uses_.log.bytes() <= log_bytes_allowed(); }

 private:
  struct ReplayStartRecord {
    Lsn lsn, replay_after;
  };

  void save(FlushFile file);
  void end();
  void drop_filters(Lsn below);
  uint64_t log_bytes_allowed() const;

  const uint64_t log_bytes_max_;
  const Uses uses_;
  WriteBack write_back_;
  uint64_t begun_ = 0, ended_ = 0;
  // The values at the moment when the last flush began.
  uint64_t applied_step_ = 0, log_bytes_ = 0;
  Lsn replay_after_ = 0;
  std::vector<WorkerSequence> sequences_;
  std::deque<ReplayStartRecord> replay_starts_;  // in the log's hands
};

}  // namespace cairn::ps
