// RMSprop: v = decay v + (1 - decay) g^2; w -= a g / (sqrt(v) + epsilon). State: v [dim].
// Source: Tieleman, Hinton, "Neural networks for machine learning", Coursera (2012), lecture 6e.
#include <cmath>

#include "common/simd.h"
#include "ps/optimizers/row_formulas.h"

namespace cairn::ps::row_formulas {

CAIRN_SIMD void rmsprop(const RowUpdate& update, const RowOptimizerConfig& config) {
  const size_t dim = update.dim;
  const float rate = update.learning_rate;
  const float decay = config.decay, epsilon = config.epsilon;
  const float* gradients = update.gradients;
  for (float* const row : update.rows) {
    float* const __restrict w = row;
    float* const __restrict v = row + dim;
    const float* const __restrict g = gradients;
    for (size_t i = 0; i < dim; ++i) {
      v[i] = decay * v[i] + (1.0f - decay) * (g[i] * g[i]);
      w[i] -= rate * g[i] / (std::sqrt(v[i]) + epsilon);
    }
    gradients += dim;
  }
}

}  // namespace cairn::ps::row_formulas
