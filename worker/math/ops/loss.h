// Losses of one task, with the gradient of its logits in the same pass.
// Shapes: logits, labels, weights, predictions, dlogits [batch, 1], mostly columns of wider
// matrices. Each loss leaves the sum over samples of weight * loss. The gradient is that of this
// sum, times scale.
//
// With z the logit, y the label, p = 1 / (1 + exp(-z)):
// bce:   y in [0, 1]: loss = max(z, 0) - z y + log(1 + exp(-|z|)), which overflows nowhere;
//        prediction = p
// mse:   loss = (z - y)^2; prediction = z
// focal: loss = -y alpha (1 - p)^gamma log p - (1 - y) (1 - alpha) p^gamma log(1 - p);
//        prediction = p. Source: Lin et al., "Focal Loss", ICCV 2017, eq. 5.
// huber: with e = z - y: loss = e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2);
//        prediction = z. Source: Huber, Annals of Mathematical Statistics 35 (1964).
//
// bce_of_product: the loss of a product of probabilities, p = p_1 ... p_n: loss = -y log p -
//        (1 - y) log(1 - p); prediction = p. The product of click and conversion is the
//        click-through conversion of ESMM, over the entire space. Source: Ma et al., "Entire Space
//        Multi-Task Model", SIGIR 2018, eq. 2 and 3.
//
// pairwise: the mean over pairs (i, j) of the global batch with y_i > y_j of
//        log(1 + exp(z_j - z_i)); prediction = p. This worker has samples [first, first + batch).
//        It leaves the sum of the terms whose i is its own, and the gradient of the whole mean in
//        its own samples. Without a pair both are zero. The time is batch * rows. Source: Burges et
//        al., ICML 2005.
#pragma once

#include "worker/math/ops/gradient.h"

namespace cairn::math {

struct LossTarget {
  ConstMatrix labels;
  ConstMatrix weights = {};  // one per sample; empty: all are 1
  float scale = 1.0f;        // for the gradient only: task weight / samples of the global batch
  const float* factor = nullptr;  // a second scale, in the memory of the numbers; null: 1
};

struct LossInputs {
  ConstMatrix logits;
  LossTarget target;
};

struct PairwiseInputs {
  ConstMatrix logits, labels;     // [1, samples of the global batch]
  size_t first = 0;               // place of this worker's first sample
  float scale = 1.0f;             // task weight
  const float* factor = nullptr;  // as LossTarget has it
  double rows = 1.0;              // the sum is multiplied with it
};

// A task whose weight is learned by uncertainty adds scale * precision * sum + share * log_variance
// to the objective, where precision = exp(-log_variance).
struct UncertaintyInputs {
  ConstMatrix precision;        // [1, 1]
  const double* sum = nullptr;  // the task's loss, summed over samples
  double scale = 1.0, share = 0.5;
};

}  // namespace cairn::math
