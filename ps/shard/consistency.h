// The rules of `sync`: what may happen when. Every push of a step is summed before the step is
// applied. A pull of step t sees exactly the steps before t. A push gets no log sequence number
// before the steps that it depends on are over. docs/consistency.md gives the reasons.
//
// A pure function of the shard's clock and of the pushes that have come; `bounded` and `async`
// would be other rules here. Thread safety: none.
#pragma once

#include "common/wire/header.h"
#include "ps/shard/shard_clock.h"
#include "ps/step/step_assembler.h"

namespace cairn::ps {

class ConsistencyRules {
 public:
  // `removes_rows` says whether some table has rows that expire or exceed a cap.
  ConsistencyRules(const ShardClock& clock, const StepAssembler& assembler, bool removes_rows)
      : clock_(clock), assembler_(assembler), removes_rows_(removes_rows) {}

  // Whether the turn of a pull has come: the step before its own is over, and its commit is logged.
  // Pulls of steps that are already applied are due as well.
  bool is_due(const Header& pull) const {
    return pull.step <= clock_.applied_step + 1 && clock_.commit_lsn <= clock_.acknowledged_lsn &&
           clock_.step_is_over;
  }
  // Whether a pull may be answered: a speculative one at any time, others when they are due.
  bool may_answer(const Header& pull) const {
    return (pull.flags & kPullSpeculative) != 0 || is_due(pull);
  }

  // Whether a push may get its lsn now. Where steps remove rows, the step before the push's own
  // must be over. A removal replayed behind a push of the next step would delete the row that this
  // push made anew. `log_has_room` is false where the log is full. A push of a step that has begun
  // needs no room, as nothing could be cut from the log without that push.
  bool may_accept(const Header& push, bool log_has_room) const {
    const bool too_early =
        removes_rows_ && (!clock_.step_is_over || push.step > clock_.applied_step + 1);
    return !too_early && !waits_for_log(push, log_has_room);
  }
  bool waits_for_log(const Header& push, bool log_has_room) const {
    return !log_has_room && !assembler_.has_begun(push.step);
  }

  // The next step to apply; null where a worker's push of the step is missing, or the step before
  // is not over.
  const StepAssembler::Step* ready_step() const {
    return clock_.step_is_over ? assembler_.complete() : nullptr;
  }

 private:
  const ShardClock& clock_;
  const StepAssembler& assembler_;
  const bool removes_rows_;
};

}  // namespace cairn::ps
