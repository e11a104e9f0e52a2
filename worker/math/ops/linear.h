// Fully connected layer: y = f(x W^T + b).
// Shapes: x [batch, in]; weight [out, in]; bias [1, out], or empty: none; y [batch, out]. Row-major
// float32. Outputs may not overlap inputs. f is none or relu: both come with the product.
//
// Where x and weight are given rounded to bf16 too, the products of forward and backward take the
// rounded ones, and round dy. Sums, bias and gradients stay float32.
#pragma once

#include "common/config/model_config.h"
#include "worker/math/ops/gradient.h"
#include "worker/math/ops/matmul.h"

namespace cairn::math {

struct LinearInputs {
  ConstMatrix x, weight, bias;
  Activation activation = Activation::kNone;
  ConstRoundedMatrix x_rounded = {}, weight_rounded = {};  // both, or empty

  bool rounded() const { return !x_rounded.empty(); }
  Factor x_factor() const { return rounded() ? Factor(x_rounded) : Factor(x); }
  Factor weight_factor() const { return rounded() ? Factor(weight_rounded) : Factor(weight); }
};

struct LinearGradients {
  Gradient x, weight, bias;
};

}  // namespace cairn::math
