// Losses of one task, with the gradient of its logits in the same pass.
// Shapes: logits, labels, predictions, dlogits [batch, 1]; columns of wider matrices as a rule.
//
// bce: z the logit, y in [0, 1]: loss = max(z, 0) - z y + log(1 + exp(-|z|)), which overflows
// nowhere;
//      prediction = 1 / (1 + exp(-z)); dz = scale (prediction - y)
// mse: loss = (z - y)^2; prediction = z; dz = 2 scale (z - y)
#pragma once

#include "worker/ops/gradient.h"

namespace cairn {

struct LossInputs {
  ConstMatrix logits, labels;
  float scale = 1.0f;  // of the gradient only: task weight / rows of the global batch
};

}  // namespace cairn
