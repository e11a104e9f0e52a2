// Adam with decoupled weight decay: m and v as in adam.cpp;
// w -= a ((m / (1 - beta1^n)) / (sqrt(v / (1 - beta2^n)) + epsilon) + weight_decay w). State: m, v
// [dim].
// Source: Loshchilov, Hutter, "Decoupled weight decay regularization", arXiv:1711.05101, algorithm
// 2; the decay is in proportion to a, as in PyTorch, where the paper has the schedule's share of it
// alone.
#include <cmath>

#include "common/simd.h"
#include "ps/optimizers/row_formulas.h"

namespace cairn::ps::row_formulas {

CAIRN_SIMD void adamw(const RowUpdate& update, const RowOptimizerConfig& config) {
  const size_t dim = update.dim;
  const float rate = update.learning_rate;
  const float beta1 = config.beta1, beta2 = config.beta2, epsilon = config.epsilon;
  const float weight_decay = config.weight_decay;
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
      w[i] -= rate * ((m[i] * c1) / (std::sqrt(v[i] * c2) + epsilon) + weight_decay * w[i]);
    }
    gradients += dim;
  }
}

}  // namespace cairn::ps::row_formulas
