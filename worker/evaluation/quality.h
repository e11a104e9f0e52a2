// How good predictions are: exact AUC, logloss, RMSE and calibration of one task, over all of its
// evaluated rows. All of it is a function of the set of (prediction, label) pairs: their order, and
// so the number of workers, changes no bit. Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/config/model_config.h"

namespace cairn::evaluation {

struct PredictionPair {
  float prediction;  // a probability for kBce, a value for kMse
  float label;       // 0 or 1 for kBce
  friend bool operator==(const PredictionPair&, const PredictionPair&) = default;
};

// An absent figure is undefined: not of this kind of task, no rows, a prediction or label that is
// NaN, for `auc` rows of one class only, for `calibration` a mean label of 0.
struct TaskQuality {
  uint64_t samples = 0;
  // The chance that a positive is predicted above a negative; a tie counts half. Counted in
  // integers.
  std::optional<double> auc = {};
  std::optional<double> logloss = {};  // mean, in nats; predictions clipped to [1e-7, 1 - 1e-7]
  std::optional<double> rmse = {};
  std::optional<double> calibration = {};  // mean prediction / mean label: 1 is best
};

// Takes the pairs because it sorts them; 2^32 at most. For kBce a label above 0.5 is positive.
TaskQuality measure(std::vector<PredictionPair> pairs, Loss loss);

// By the names that job files use for `eval.monitor`, after the task: auc, logloss, rmse,
// calibration. Absent for a name that is none of these, and for what is undefined.
std::optional<double> quality_named(const TaskQuality& quality, std::string_view name);

}  // namespace cairn::evaluation
