// Expiry and caps: after each step some slots are looked through, and the rows that go are logged.
// For the pulls and pushes of the next step the step is over only then. So the record's lsn lies
// between the pushes of the two steps, and which rows a step finds does not depend on how long
// reading a slot took.
//
// The first look of a shard is the one after the last step applied before it started: a recovery
// cannot know whether the server that died had come to it. Done again it finds nothing more.
// Thread safety: none; a shard's thread owns it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "common/metrics/metrics.h"
#include "ps/hot/shard_rows.h"
#include "ps/shard/change_feed.h"
#include "ps/shard/cold_reads.h"
#include "ps/shard/due_slots.h"
#include "ps/shard/shard_clock.h"
#include "ps/store/cold_store.h"
#include "ps/system/post.h"

namespace cairn::ps {

class RowRemoval {
 public:
  // Everything that it reads and acts through; all of it outlives the removal.
  struct Uses {
    ShardRows& rows;
    ColdStore& store;
    ColdReads& reads;
    LogWriter& writer;
    ChangeFeed& changes;
    const ShardClock& clock;
    ShardMetrics& metrics;
    Post post;
    const std::optional<Error>& failure;  // of the shard: set, nothing happens any more
    std::function<void(const Error&)> fail;
    // The step applied is over. The lsn of what was removed, where anything was.
    std::function<void(std::optional<Lsn>)> over;
    // The same, where the slots had to be waited for: pushes and steps may go on now.
    std::function<void()> go_on;
  };

  // period: steps in which each slot is due once.
  RowRemoval(SlotRange slots, uint32_t period, Uses uses);

  // Reads the slots due after `step`, which is still to come, from the store.
  void prepare(uint64_t step);
  // The prepared step is applied and not over: removes its rows now, or once its slots are read.
  void step_applied();

  const std::vector<uint64_t>& rows_removed() const { return rows_removed_; }  // per table

 private:
  struct Look {
    uint64_t step = 0;
    std::vector<uint32_t> due;
    RowBatch stored;
    bool is_read = false;
  };

  void slots_read(Result<RowBatch> rows);
  void remove_rows();
  Lsn remove(uint64_t step, RowsToRemove going);

  const SlotRange slots_;
  const uint32_t period_;
  const Uses uses_;
  Look look_;
  std::vector<uint64_t> rows_removed_;
};

}  // namespace cairn::ps
