// Row-wise Adagrad: s += mean of g^2 over the row; w -= a g / (sqrt(s) + epsilon). State: s [1],
// from initial_accumulator. Source: Mudigere et al., "Software-hardware co-design for fast and
// scalable training of deep learning recommendation models", arXiv:2104.05158, section 4.1.4;
// EXACT_ROWWISE_ADAGRAD of FBGEMM.
#include <cmath>

#include "common/simd.h"
#include "ps/optimizers/row_formulas.h"
#include "ps/optimizers/square_sum.h"

namespace cairn::ps::row_formulas {

CAIRN_SIMD void rowwise_adagrad(const RowUpdate& update, const RowOptimizerConfig& config) {
  const size_t dim = update.dim;
  const float rate = update.learning_rate;
  const float epsilon = config.epsilon;
  const float* gradients = update.gradients;
  for (float* const row : update.rows) {
    float* const __restrict w = row;
    float* const __restrict s = row + dim;
    const float* const __restrict g = gradients;
    *s += square_sum(g, dim) / static_cast<float>(dim);
    const float root = std::sqrt(*s) + epsilon;
    for (size_t i = 0; i < dim; ++i) w[i] -= rate * g[i] / root;
    gradients += dim;
  }
}

}  // namespace cairn::ps::row_formulas
