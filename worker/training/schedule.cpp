#include "worker/training/schedule.h"

#include <cmath>

namespace cairn::training {
namespace {

// Larger is better for auc, smaller for everything else.
bool is_better(const std::string& monitor, double value, double best) {
  if (std::isnan(value)) return false;
  if (std::isnan(best)) return true;
  return monitor.ends_with(".auc") ? value > best : value < best;
}

}  // namespace

bool Schedule::has_ended(const TrainState& state) const {
  return state.epoch >= job_.train.epochs ||
         (job_.train.max_steps > 0 && state.step >= job_.train.max_steps) ||
         (job_.eval.patience > 0 && state.evaluations_since_best >= job_.eval.patience);
}

bool Schedule::evaluation_is_due(const TrainState& state, bool epoch_ended) const {
  if (has_ended(state)) return true;
  return job_.eval.every > 0 ? state.step % job_.eval.every == 0 : epoch_ended;
}

bool Schedule::checkpoint_is_due(const TrainState& state, bool epoch_ended, bool evaluated) const {
  const bool improved = !job_.eval.monitor.empty() && evaluated && state.best_step == state.step;
  const bool due =
      job_.checkpoint.every > 0 ? state.step % job_.checkpoint.every == 0 : epoch_ended;
  return due || improved;
}

void Schedule::note_evaluation(double value, TrainState& state) const {
  if (is_better(job_.eval.monitor, value, state.best)) {
    state.best = value;
    state.best_step = state.step;
    state.evaluations_since_best = 0;
  } else {
    ++state.evaluations_since_best;
  }
}

}  // namespace cairn::training
