// DCN-V2 cross layer: y = x0 * (x W^T + b) + x, where * is elementwise.
// Source: Wang et al., "DCN V2", arXiv:2008.13535, eq. 1.
// Shapes: x0, x, y, mixed [batch, dim]; weight [dim, dim]; bias [1, dim]. Row-major float32.
// `mixed` is x W^T + b, which the backward needs again. Outputs may not overlap inputs.
#pragma once

#include "worker/ops/gradient.h"

namespace cairn {

struct CrossInputs {
  ConstMatrix x0, x, weight, bias;
};

struct CrossGradients {
  Gradient x0, x, weight, bias;
  bool x_is_x0 = false;     // the first layer: `x` is empty, `x0` receives the gradients of both
  bool x_holds_dy = false;  // `x` is the storage of dy itself, and adds: dy is one part of it
};

}  // namespace cairn
