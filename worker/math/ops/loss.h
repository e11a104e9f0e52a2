// Losses of one task, with the gradient of its logits in the same pass.
// Shapes: logits, labels, weights, predictions, dlogits [batch, 1]; columns of wider matrices as a
// rule. Each leaves the sum over rows of weight * loss; the gradient is that sum's, times scale.
//
// With z the logit, y the label, p = 1 / (1 + exp(-z)):
// bce:   y in [0, 1]: loss = max(z, 0) - z y + log(1 + exp(-|z|)), which overflows nowhere;
//        prediction = p
// mse:   loss = (z - y)^2; prediction = z
// focal: loss = -y alpha (1 - p)^gamma log p - (1 - y) (1 - alpha) p^gamma log(1 - p);
//        prediction = p. Source: Lin et al., "Focal Loss", ICCV 2017, eq. 5.
// huber: e = z - y: loss = e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2); prediction =
// z.
//        Source: Huber, Annals of Mathematical Statistics 35 (1964).
//
// bce_of_product: of tasks whose probabilities are multiplied, p = p_1 ... p_n: loss = -y log p -
//        (1 - y) log(1 - p); prediction = p. Of click and conversion it is the click-through
//        conversion of ESMM, over the entire space. Source: Ma et al., "Entire Space Multi-Task
//        Model", SIGIR 2018, eq. 2 and 3.
//
// pairwise: of all rows of the global batch, of which this worker has [first, first + batch): the
//        mean over pairs (i, j) with y_i > y_j of log(1 + exp(z_j - z_i)). Summed are the terms
//        whose i is this worker's, and the gradient of its rows in the mean of all; without a pair
//        both are zero. prediction = p. The time is batch * rows. Source: Burges et al., ICML 2005.
#pragma once

#include "worker/math/ops/gradient.h"

namespace cairn {

struct LossTarget {
  ConstMatrix labels;
  ConstMatrix weights = {};       // of rows; empty: all are 1
  float scale = 1.0f;             // of the gradient only: task weight / rows of the global batch
  const float* factor = nullptr;  // another of the gradient, beside the numbers; null: 1
};

struct LossInputs {
  ConstMatrix logits;
  LossTarget target;
};

struct PairwiseInputs {
  ConstMatrix logits, labels;     // [1, rows of the global batch]
  size_t first = 0;               // of this worker's rows
  float scale = 1.0f;             // task weight
  const float* factor = nullptr;  // as of LossTarget
  double rows = 1.0;              // that the sum is multiplied with
};

// A task's weight by uncertainty: what it adds to the objective is scale precision sum + share
// log_variance, where `precision` is exp(-log_variance).
struct UncertaintyInputs {
  ConstMatrix precision;        // [1, 1]
  const double* sum = nullptr;  // of its loss
  double scale = 1.0, share = 0.5;
};

}  // namespace cairn
