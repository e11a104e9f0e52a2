// FTRL-proximal: z += a g - (sqrt(n + g^2) - sqrt(n)) w; n += g^2;
// w = 0 if |z| <= a l1, else -(z - sign(z) a l1) / (beta + sqrt(n) + a l2). State: z, and n, a sum,
// [dim]. Source: McMahan et al., "Ad click prediction: a view from the trenches", KDD 2013,
// algorithm 1. z is the paper's times a, so that a schedule, which the paper does not have, leaves
// weights where they are. l2 is the paper's lambda2; the l2_regularization_strength of TensorFlow
// is half of it. A weight without a gradient so far (n = 0) begins with z = -beta w: the proximal
// term is centred at its initial value, as in the paper, where that is 0.
#include <cmath>

#include "common/simd.h"
#include "ps/optimizers/row_formulas.h"

namespace cairn::ps::row_formulas {

CAIRN_SIMD void ftrl(const RowUpdate& update, const RowOptimizerConfig& config) {
  const size_t dim = update.dim;
  const float rate = update.learning_rate;
  const float beta = config.beta, l1 = rate * config.l1, l2 = rate * config.l2;
  const float* gradients = update.gradients;
  for (float* const row : update.rows) {
    float* const __restrict w = row;
    float* const __restrict z = row + dim;
    float* const __restrict n = row + 2 * dim;
    const float* const __restrict g = gradients;
    for (size_t i = 0; i < dim; ++i) {
      const float before = n[i], after = before + g[i] * g[i];
      const float root = std::sqrt(after);
      const float start = before == 0.0f ? -beta * w[i] : z[i];
      z[i] = start + rate * g[i] - (root - std::sqrt(before)) * w[i];
      n[i] = after;
      const float size = std::abs(z[i]) - l1;
      w[i] = size > 0.0f ? std::copysign(size, -z[i]) / (beta + root + l2) : 0.0f;
    }
    gradients += dim;
  }
}

}  // namespace cairn::ps::row_formulas
