// Stochastic gradient descent: w -= a g. No state.
// Source: Robbins, Monro, "A stochastic approximation method", Annals of Math. Stat. 22 (1951).
#include "common/simd.h"
#include "ps/optimizers/row_formulas.h"

namespace cairn::ps::row_formulas {

CAIRN_SIMD void sgd(const RowUpdate& update, const RowOptimizerConfig&) {
  const size_t dim = update.dim;
  const float rate = update.learning_rate;
  const float* gradients = update.gradients;
  for (float* const row : update.rows) {
    float* const __restrict w = row;
    const float* const __restrict g = gradients;
    for (size_t i = 0; i < dim; ++i) w[i] -= rate * g[i];
    gradients += dim;
  }
}

}  // namespace cairn::ps::row_formulas
