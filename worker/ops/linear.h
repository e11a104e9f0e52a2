// Fully connected layer: y = f(x W^T + b).
// Shapes: x [batch, in]; weight [out, in]; bias [1, out], or empty: none; y [batch, out]. Row-major
// float32. Outputs may not overlap inputs. f is none or relu, which ride on the product.
#pragma once

#include "common/config/job.h"
#include "worker/ops/gradient.h"

namespace cairn {

struct LinearInputs {
  ConstMatrix x, weight, bias;
  Activation activation = Activation::kNone;
};

struct LinearGradients {
  Gradient x, weight, bias;
};

}  // namespace cairn
