// AMSGrad: m and v as in adam.cpp; x = max(x, v);
// w -= a (m / (1 - beta1^n)) / (sqrt(x / (1 - beta2^n)) + epsilon). State: m, v, x [dim].
// Source: Reddi, Kale, Kumar, "On the convergence of Adam and beyond", arXiv:1904.09237, algorithm
// 2, with the corrections of Adam, which the paper leaves out, as PyTorch has them.
#include <cmath>

#include "common/simd.h"
#include "ps/optimizers/row_formulas.h"

namespace cairn::ps::row_formulas {

CAIRN_SIMD void amsgrad(const RowUpdate& update, const RowOptimizerConfig& config) {
  const size_t dim = update.dim;
  const float rate = update.learning_rate;
  const float beta1 = config.beta1, beta2 = config.beta2, epsilon = config.epsilon;
  const float* gradients = update.gradients;
  for (size_t r = 0; r < update.rows.size(); ++r) {
    const float c1 = update.unbias1[r], c2 = update.unbias2[r];
    float* const __restrict w = update.rows[r];
    float* const __restrict m = update.rows[r] + dim;
    float* const __restrict v = update.rows[r] + 2 * dim;
    float* const __restrict x = update.rows[r] + 3 * dim;
    const float* const __restrict g = gradients;
    for (size_t i = 0; i < dim; ++i) {
      m[i] = beta1 * m[i] + (1.0f - beta1) * g[i];
      v[i] = beta2 * v[i] + (1.0f - beta2) * (g[i] * g[i]);
      x[i] = x[i] > v[i] ? x[i] : v[i];
      w[i] -= rate * (m[i] * c1) / (std::sqrt(x[i] * c2) + epsilon);
    }
    gradients += dim;
  }
}

}  // namespace cairn::ps::row_formulas
