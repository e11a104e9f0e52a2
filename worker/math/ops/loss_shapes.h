// Shared by the losses of every backend: the loss of a sample, and checks of shapes.
#pragma once

#include "common/check.h"
#include "worker/math/ops/loss.h"

namespace cairn::math {

struct RowLoss {
  double loss, slope, prediction;  // slope: derivative of the loss in the logit
};

inline void check_column(ConstMatrix m, size_t rows) {
  check(m.cols == 1 && m.rows == rows, "loss: not one column of the batch");
}

inline void check_target(const LossTarget& target, ConstMatrix predictions) {
  check_column(target.labels, predictions.rows);
  check_column(predictions, predictions.rows);
  if (!target.weights.empty()) check_column(target.weights, predictions.rows);
}

}  // namespace cairn::math
