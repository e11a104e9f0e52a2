// Expiry and caps: after each step some slots are looked through, and the rows that go are logged.
// Only then is the step over for the pulls and pushes of the next step. So the record's lsn lies
// between the pushes of the two steps. The rows that a step finds do not depend on how long reading
// a slot took.
//
// A shard's first look is the one after the last step applied before the shard started. A recovery
// cannot know whether the server that died had done this look. Done again, the look finds nothing
// more. Thread safety: none; a shard's thread owns it.
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
  // Everything that the removal reads and acts through, all of which outlives the removal.
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
    // Called when the applied step is over, with the lsn of the removals, if any.
    std::function<void(std::optional<Lsn>)> over;
    // Called too where the slots had to be waited for: pushes and steps may go on now.
    std::function<void()> go_on;
  };

  // Each slot is due once in `period` steps.
  RowRemoval(SlotRange slots, uint32_t period, Uses uses);

  // Reads the slots due after `step`, which is still to come, from the store.
  void prepare(uint64_t step);
  // The prepared step is applied and not over: removes the rows now, or once the step's slots are
  // read.
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
