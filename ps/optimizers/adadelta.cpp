// AdaDelta: v = rho v + (1 - rho) g^2; d = g sqrt(u + epsilon) / sqrt(v + epsilon);
// u = rho u + (1 - rho) d^2; w -= a d. State: v, u [dim]. The paper has no learning rate: a = 1.
// Source: Zeiler, "ADADELTA: an adaptive learning rate method", arXiv:1212.5701, algorithm 1.
#include <cmath>

#include "common/simd.h"
#include "ps/optimizers/row_formulas.h"

namespace cairn::ps::row_formulas {

CAIRN_SIMD void adadelta(const RowUpdate& update, const RowOptimizerConfig& config) {
  const size_t dim = update.dim;
  const float rate = update.learning_rate;
  const float rho = config.rho, epsilon = config.epsilon;
  const float* gradients = update.gradients;
  for (float* const row : update.rows) {
    float* const __restrict w = row;
    float* const __restrict v = row + dim;
    float* const __restrict u = row + 2 * dim;
    const float* const __restrict g = gradients;
    for (size_t i = 0; i < dim; ++i) {
      v[i] = rho * v[i] + (1.0f - rho) * (g[i] * g[i]);
      const float d = g[i] * std::sqrt((u[i] + epsilon) / (v[i] + epsilon));
      u[i] = rho * u[i] + (1.0f - rho) * (d * d);
      w[i] -= rate * d;
    }
    gradients += dim;
  }
}

}  // namespace cairn::ps::row_formulas
