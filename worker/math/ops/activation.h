// Elementwise activations that do not ride on a product: y = f(x).
//   relu     max(x, 0)
//   gelu     x Phi(x), Phi the standard normal's distribution function. Source: Hendrycks and
//            Gimpel, arXiv:1606.08415
//   silu     x sigmoid(x). Source: Elfwing, Uchibe, Doya, Neural Networks 107 (2018)
//   prelu    x where x > 0, else slope x, one slope per column. Source: He et al., ICCV 2015
//   sigmoid  1 / (1 + exp(-x))
//   tanh
// Shapes: x, y [batch, units]; slope [1, units], for prelu only. Row-major float32. Outputs may not
// overlap inputs.
#pragma once

#include "common/config/model_config.h"
#include "worker/math/ops/gradient.h"

namespace cairn::math {

struct ActivationInputs {
  ConstMatrix x, slope;
  Activation kind = Activation::kRelu;
};

struct ActivationGradients {
  Gradient x, slope;
};

}  // namespace cairn::math
