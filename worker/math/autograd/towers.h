// The functions between the dense layers of a tower. Equations and papers stand with the operations
// (worker/math/ops/normalization.h, worker/math/ops/dropout.h).
#pragma once

#include "worker/math/autograd/tape.h"

namespace cairn::math::autograd {

// `scale` and `shift` are [1, units].
Variable* layer_norm(Tape& tape, Variable* x, Variable* scale, Variable* shift);

// All are [1, units]. `mean` and `variance` are the running statistics: inference uses them, and a
// training step moves them by a tenth towards those of its global batch (the variance unbiased).
struct BatchNorm {
  Variable *scale, *shift, *mean, *variance;
};
// A training step takes statistics and gradients over the global batch: workers exchange two sums
// forward and one backward.
Variable* batch_norm(Tape& tape, Variable* x, const BatchNorm& norm);

// Inference returns x itself. `layer` tells the model's dropouts apart.
Variable* dropout(Tape& tape, Variable* x, float rate, uint32_t layer);

}  // namespace cairn::math::autograd
