// Gate-weighted sums of experts: for each task t, output_t = sum_e softmax(logits_t)_e * expert_e.
// Source: Ma et al., "Modeling Task Relationships in Multi-task Learning with Multi-gate
// Mixture-of-Experts", KDD 2018, eq. 6.
// Shapes: logits, probabilities [batch, tasks * experts], the experts of a task side by side;
// experts [batch, experts * units]; one output [batch, units] per task. Row-major float32. Outputs
// may not overlap inputs.
//
// gate_scale: y_e = softmax(logits)_e * x_e. The experts stay side by side; a linear layer behind
// sums them. Shapes: logits, probabilities [batch, experts]; x, y [batch, experts * units].
#pragma once

#include <span>

#include "worker/math/ops/gradient.h"

namespace cairn::math {

inline constexpr size_t kExpertsMax = 64;

struct GateInputs {
  ConstMatrix logits, experts;
};

struct GateGradients {
  Gradient logits, experts;
};

}  // namespace cairn::math
