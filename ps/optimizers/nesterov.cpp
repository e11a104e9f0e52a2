// Momentum with Nesterov's look ahead: v = momentum v + g; w -= a (g + momentum v). State: v [dim].
// Source: Nesterov (1983), as in Sutskever, Martens, Dahl, Hinton, "On the importance of
// initialization and momentum in deep learning", ICML 2013, equations 3 and 4, with w at the point
// looked ahead to: Bengio, Boulanger-Lewandowski, Pascanu, arXiv:1212.0901, equation 7.
#include "common/simd.h"
#include "ps/optimizers/row_formulas.h"

namespace cairn::ps::row_formulas {

CAIRN_SIMD void nesterov(const RowUpdate& update, const RowOptimizerConfig& config) {
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
      w[i] -= rate * (g[i] + momentum * v[i]);
    }
    gradients += dim;
  }
}

}  // namespace cairn::ps::row_formulas
