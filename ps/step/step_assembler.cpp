#include "ps/step/step_assembler.h"

#include <algorithm>
#include <utility>

#include "common/check.h"

namespace cairn::ps {

namespace {
// Steps whose pushes may wait. A client has at most 8 unacknowledged pushes, and workers agree on
// stopping at every step, so an honest one is never near this.
constexpr uint64_t kStepsAheadMax = 64;
}  // namespace

StepAssembler::StepAssembler(uint32_t workers, uint64_t applied_step)
    : workers_(workers, Worker{.sequence = 0, .step = applied_step}), applied_step_(applied_step) {}

StepAssembler::StepAssembler(std::span<const WorkerSequence> sequences)
    : applied_step_(sequences.front().applied_step) {
  for (const WorkerSequence& worker : sequences) {
    check(worker.applied_step == applied_step_, "steps are applied to all workers at once");
    workers_.push_back({.sequence = worker.sequence, .step = applied_step_});
  }
}

StepAssembler::Verdict StepAssembler::validate(const Header& push) const {
  const Worker& worker = workers_[push.worker];
  if (push.sequence <= worker.sequence)
    return push.sequence == 0 ? Verdict::kOutOfOrder : Verdict::kDuplicate;
  if (push.sequence != worker.sequence + 1) return Verdict::kOutOfOrder;
  if (push.step != worker.step + 1) return Verdict::kWrongStep;
  if (push.step > applied_step_ + kStepsAheadMax) return Verdict::kTooFarAhead;
  return Verdict::kNext;
}

void StepAssembler::accept(std::shared_ptr<const Message> push, Lsn lsn) {
  check(validate(push->header) == Verdict::kNext, "an accepted push is the next of its worker");
  add(std::move(push), lsn);
}

void StepAssembler::replay(std::shared_ptr<const Message> push, Lsn lsn) {
  check(follows(push->header), "a worker's steps are replayed in order");
  add(std::move(push), lsn);
}

void StepAssembler::add(std::shared_ptr<const Message> push, Lsn lsn) {
  const Header& header = push->header;
  workers_[header.worker] = {header.sequence, header.step};
  while (applied_step_ + steps_.size() < header.step) {
    steps_.push_back({.step = applied_step_ + steps_.size() + 1, .pushes = {}});
    steps_.back().pushes.resize(workers_.size());
  }
  Step& step = steps_[header.step - applied_step_ - 1];
  step.pushes[header.worker] = std::move(push);
  if (step.came++ == 0) step.first_lsn = lsn;
  step.commit_lsn = lsn;
}

bool StepAssembler::has_begun(uint64_t step) const {
  return step > applied_step_ && step <= applied_step_ + steps_.size() &&
         steps_[step - applied_step_ - 1].came > 0;
}

const StepAssembler::Step* StepAssembler::complete() const {
  if (steps_.empty() || steps_.front().came < workers_.size()) return nullptr;
  return &steps_.front();
}

void StepAssembler::applied() {
  check(complete() != nullptr, "only a complete step is applied");
  ++applied_step_;
  steps_.pop_front();
}

Lsn StepAssembler::oldest_waiting(Lsn next_lsn) const {
  Lsn oldest = next_lsn;
  for (const Step& step : steps_) oldest = std::min(oldest, step.first_lsn);
  return oldest;
}

std::vector<WorkerSequence> StepAssembler::sequences() const {
  std::vector<WorkerSequence> sequences;
  for (const Worker& worker : workers_) sequences.push_back({worker.sequence, applied_step_});
  return sequences;
}

std::vector<uint32_t> StepAssembler::missing() const {
  std::vector<uint32_t> missing;
  for (uint32_t worker = 0; worker < workers_.size(); ++worker)
    if (steps_.empty() || steps_.front().pushes[worker] == nullptr) missing.push_back(worker);
  return missing;
}

}  // namespace cairn::ps
