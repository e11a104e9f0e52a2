// The pushes of a shard and the steps that they make. A push is logged as it comes and acknowledged
// once logged. When the last worker's push of a step has come, the gradients are summed in worker
// order and applied once. The rows carry the lsn of that last push. Rows that a step changes and
// that are not in memory are read first; the rest of the step is applied meanwhile.
//
// Thread safety: none; a shard's thread owns it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <optional>
#include <utility>
#include <vector>

#include "common/metrics/metrics.h"
#include "ps/hot/shard_rows.h"
#include "ps/shard/change_feed.h"
#include "ps/shard/cold_reads.h"
#include "ps/shard/consistency.h"
#include "ps/shard/flush.h"
#include "ps/shard/request.h"
#include "ps/shard/request_validator.h"
#include "ps/step/step_assembler.h"
#include "ps/step/step_update.h"

namespace cairn::ps {

class Steps {
 public:
  // Everything that steps read and act through, all of which outlives the steps.
  struct Uses {
    ShardRows& rows;
    const ColdStore& store;  // whether it is empty; rows come by `reads`
    ColdReads& reads;
    LogWriter& writer;
    const Flush& flush;  // whether the log has room
    Replies& replies;
    RequestValidator& validator;
    StepAssembler& assembler;
    ChangeFeed& changes;
    const ConsistencyRules& consistency;
    const ShardClock& clock;
    ShardMetrics& metrics;
    const std::optional<Error>& failure;  // of the shard: set, nothing happens any more
    std::function<bool()> is_held;        // whether a checkpoint holds the next step back
    // A step is applied as a whole; `commit` is the lsn of the push that completed it.
    std::function<void(Lsn commit)> applied;
  };

  Steps(uint32_t workers, Uses uses);

  // Takes a push whose header is validated.
  void on_push(Request from, Message message);
  // Gives lsns to pushes that need wait no longer.
  void release_waiting();
  // Answers pushes that the log has acknowledged.
  void acknowledge();
  // Applies complete steps, as far as nothing holds them back.
  void apply();
  // Tells every waiting push that the shard has failed.
  void refuse_all();

  // Whether a step is partly applied, and waits for rows from the store.
  bool applying() const { return applying_; }
  size_t waiting() const { return waiting_.size(); }
  const std::vector<uint64_t>& rows_created() const { return rows_created_; }  // per table

 private:
  struct Unacknowledged {
    Request from;
    Lsn lsn = 0;
  };

  void take(Request from, Message message);
  void wait_with(Request from, Message message);
  bool apply_step(const StepAssembler::Step& step);
  void count_changed(const StepChanged& changed);
  void read_deferred(uint32_t step);
  void apply_deferred();
  void end_step();

  const uint32_t workers_;
  const Uses uses_;
  std::deque<Unacknowledged> unacknowledged_;       // in the log's hands, lsns ascend
  std::list<std::pair<Request, Message>> waiting_;  // without an lsn, in order of arrival
  // Gradients that wait for rows from the store before the step in hand is wholly applied, per
  // table. Only speculative pulls can see that the rest is applied, and their `step` does not
  // claim it.
  std::vector<ShardRows::Deferred> deferred_;
  bool applying_ = false;
  std::vector<uint64_t> rows_created_;
};

}  // namespace cairn::ps
