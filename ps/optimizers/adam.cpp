// Adam: m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2;
// w -= a (m / (1 - beta1^n)) / (sqrt(v / (1 - beta2^n)) + epsilon), where n is the count of the
// row: its moments decay only when it is touched, so its bias shrinks only then. State: m, v [dim].
// Source: Kingma, Ba, "Adam", arXiv:1412.6980, algorithm 1.
#include <cmath>

#include "common/simd.h"
#include "ps/optimizers/row_formulas.h"

namespace cairn::ps::row_formulas {

CAIRN_SIMD void adam(const RowUpdate& update, const RowOptimizerConfig& config) {
  const size_t dim = update.dim;
  const float rate = update.learning_rate;
  const float beta1 = config.beta1, beta2 = config.beta2, epsilon = config.epsilon;
  const float* gradients = update.gradients;
  for (size_t r = 0; r < update.rows.size(); ++r) {
    const float c1 = update.unbias1[r], c2 = update.unbias2[r];
    float* const __restrict w = update.rows[r];
    float* const __restrict m = update.rows[r] + dim;
    float* const __restrict v = update.rows[r] + 2 * dim;
    const float* const __restrict g = gradients;
    for (size_t i = 0; i < dim; ++i) {
      m[i] = beta1 * m[i] + (1.0f - beta1) * g[i];
      v[i] = beta2 * v[i] + (1.0f - beta2) * (g[i] * g[i]);
      w[i] -= rate * (m[i] * c1) / (std::sqrt(v[i] * c2) + epsilon);
    }
    gradients += dim;
  }
}

}  // namespace cairn::ps::row_formulas
