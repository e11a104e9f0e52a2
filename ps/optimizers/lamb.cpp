// LAMB, of which a layer is a row: m and v as in adam.cpp;
// d = (m / (1 - beta1^n)) / (sqrt(v / (1 - beta2^n)) + epsilon) + weight_decay w;
// w -= a (||w|| / ||d||) d; where a norm is 0, the quotient is 1. State: m, v [dim].
// Source: You et al., "Large batch optimization for deep learning", arXiv:1904.00962, algorithm 2,
// with the identity for phi.
#include <cmath>

#include "common/simd.h"
#include "ps/optimizers/row_formulas.h"
#include "ps/optimizers/square_sum.h"

namespace cairn::ps::row_formulas {

CAIRN_SIMD void lamb(const RowUpdate& update, const RowOptimizerConfig& config) {
  const size_t dim = update.dim;
  const float rate = update.learning_rate;
  const float beta1 = config.beta1, beta2 = config.beta2, epsilon = config.epsilon;
  const float weight_decay = config.weight_decay;
  float* const __restrict d = update.scratch;
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
      d[i] = (m[i] * c1) / (std::sqrt(v[i] * c2) + epsilon) + weight_decay * w[i];
    }
    const float norm_w = std::sqrt(square_sum(w, dim)), norm_d = std::sqrt(square_sum(d, dim));
    const float trust = norm_w > 0.0f && norm_d > 0.0f ? norm_w / norm_d : 1.0f;
    for (size_t i = 0; i < dim; ++i) w[i] -= rate * trust * d[i];
    gradients += dim;
  }
}

}  // namespace cairn::ps::row_formulas
