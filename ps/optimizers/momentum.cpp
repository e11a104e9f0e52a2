// Momentum, the heavy ball: v = momentum v + g; w -= a v. State: v [dim].
// Source: Polyak, "Some methods of speeding up the convergence of iteration methods", USSR Comp.
// Math. 4 (1964), equation 9; a stands outside v, so that a schedule acts at once.
#include "common/simd.h"
#include "ps/optimizers/row_formulas.h"

namespace cairn::ps::row_formulas {

CAIRN_SIMD void momentum(const RowUpdate& update, const RowOptimizerConfig& config) {
  const size_t dim = update.dim;
  const float rate = update.learning_rate;
  const float momentum = config.momentum;
  const float* gradients = update.gradients;
  for (float* const row : update.rows) {
    float* const __restrict w = row;
    float* const __restrict v = row + dim;
    const float* const __restrict g = gradients;
    for (size_t i = 0; i < dim; ++i) {
      v[i] = momentum * v[i] + g[i];
      w[i] -= rate * v[i];
    }
    gradients += dim;
  }
}

}  // namespace cairn::ps::row_formulas
