// When training evaluates, writes a checkpoint and ends: pure functions of the job and of how far
// training has come, so that all workers decide alike.
#pragma once

#include <string>

#include "common/config/job.h"
#include "worker/training/train_state.h"

namespace cairn::training {

class Schedule {
 public:
  // `job` outlives the schedule.
  explicit Schedule(const JobConfig& job) : job_(job) {}

  // Whether training is over: by epochs, by steps, or as eval.monitor has not improved for
  // eval.patience evaluations.
  bool has_ended(const TrainState& state) const;

  // After a step; `epoch_ended` where it was the last of its epoch, which state.epoch counts
  // already. With eval.every, each such step and the last; without, each epoch's end and the last.
  bool evaluation_is_due(const TrainState& state, bool epoch_ended) const;

  // The same of a checkpoint; `evaluated`: the model was evaluated after this step. An evaluation
  // that is the best so far makes one due.
  bool checkpoint_is_due(const TrainState& state, bool epoch_ended, bool evaluated) const;

  // Takes in the value of eval.monitor that an evaluation after state.step found; NaN where there
  // is none, which is no improvement.
  void note_evaluation(double value, TrainState& state) const;

 private:
  const JobConfig& job_;
};

}  // namespace cairn::training
