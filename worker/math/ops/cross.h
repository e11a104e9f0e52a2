// DCN-V2 cross layer: y = x0 * (x W^T + b) + x, where * is elementwise.
// Source: Wang et al., "DCN V2", arXiv:2008.13535, eq. 1.
// Shapes: x0, x, y, mixed [batch, dim]; weight [dim, dim]; bias [1, dim]. Row-major float32.
// `mixed` is x W^T + b, which the backward needs again. Outputs may not overlap inputs. Products
// take rounded factors as those of a linear layer do (worker/math/ops/linear.h).
#pragma once

#include "worker/math/ops/gradient.h"
#include "worker/math/ops/matmul.h"

namespace cairn::math {

struct CrossInputs {
  ConstMatrix x0, x, weight, bias;
  ConstRoundedMatrix x_rounded = {}, weight_rounded = {};  // both, or empty

  bool rounded() const { return !x_rounded.empty(); }
  Factor x_factor() const { return rounded() ? Factor(x_rounded) : Factor(x); }
  Factor weight_factor() const { return rounded() ? Factor(weight_rounded) : Factor(weight); }
};

struct CrossGradients {
  Gradient x0, x, weight, bias;
  bool x_is_x0 = false;     // the first layer: `x` is empty, `x0` receives the gradients of both
  bool x_holds_dy = false;  // `x` is the storage of dy itself: dy stays as one part of its sum
};

}  // namespace cairn::math
