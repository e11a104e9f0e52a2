// Knows who has pushed what. It holds the sequence table of a shard, and the pushes of steps that
// are not applied yet. It decides whether a push is the next of its worker; the shard judges the
// content. Thread safety: none; a shard's thread owns it.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "common/wire/message.h"
#include "ps/log/push_log.h"

namespace cairn::ps {

class StepAssembler {
 public:
  enum class Verdict : uint8_t {
    kNext,       // to be accepted
    kDuplicate,  // accepted before
    kOutOfOrder,
    kWrongStep,  // not the one after the worker's last
    kTooFarAhead,
  };
  // The pushes of one step.
  struct Step {
    uint64_t step = 0;
    std::vector<std::shared_ptr<const Message>> pushes;  // by worker; shared with the log's writer
    uint32_t came = 0;
    Lsn first_lsn = 0;
    Lsn commit_lsn = 0;  // of the last one that came
  };

  StepAssembler(uint32_t workers, uint64_t applied_step);
  // Starts from the sequences of a replay start, or of another assembler. The pushes that waited in
  // that one are to be replayed. All workers have the same applied step.
  explicit StepAssembler(std::span<const WorkerSequence> sequences);

  Verdict validate(const Header& push) const;
  void accept(std::shared_ptr<const Message> push, Lsn lsn);  // validated kNext

  // For recovery, of a push that was accepted once and is not applied. `follows` says whether its
  // step is the next of its worker. `replay` takes the push in, which moves the worker's sequence
  // to the push's.
  bool follows(const Header& push) const { return push.step == workers_[push.worker].step + 1; }
  void replay(std::shared_ptr<const Message> push, Lsn lsn);

  // The next step to apply, if every worker's push of that step has come; else nullptr.
  const Step* complete() const;
  void applied();  // that step

  uint64_t applied_step() const { return applied_step_; }
  uint64_t expected_sequence(uint32_t worker) const { return workers_[worker].sequence + 1; }
  // The lsn below which everything is applied or was never given; `next_lsn` if nothing waits.
  Lsn oldest_waiting(Lsn next_lsn) const;
  std::vector<WorkerSequence> sequences() const;
  // Whether some worker's push of a step that is not applied has come.
  bool has_begun(uint64_t step) const;
  // Workers whose push of the next step has not come.
  std::vector<uint32_t> missing() const;

 private:
  struct Worker {
    uint64_t sequence = 0;  // the last accepted
    uint64_t step = 0;      // the last pushed
  };

  void add(std::shared_ptr<const Message> push, Lsn lsn);

  std::vector<Worker> workers_;
  uint64_t applied_step_;
  std::deque<Step> steps_;  // applied_step_ + 1 and on
};

}  // namespace cairn::ps
