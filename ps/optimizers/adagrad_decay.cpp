// Adagrad that forgets: s = decay s + g^2; w -= a g / (sqrt(s) + epsilon). State: s [dim], from
// initial_accumulator. Unlike RMSprop's, s is a sum: with decay 1 this is Adagrad.
// Source: the Adagrad operator of Caffe2, argument `decay`, on Adagrad by Duchi et al., JMLR 12
// (2011).
#include <cmath>

#include "common/simd.h"
#include "ps/optimizers/row_formulas.h"

namespace cairn::ps::row_formulas {

CAIRN_SIMD void adagrad_decay(const RowUpdate& update, const RowOptimizerConfig& config) {
  const size_t dim = update.dim;
  const float rate = update.learning_rate;
  const float decay = config.decay, epsilon = config.epsilon;
  const float* gradients = update.gradients;
  for (float* const row : update.rows) {
    float* const __restrict w = row;
    float* const __restrict s = row + dim;
    const float* const __restrict g = gradients;
    for (size_t i = 0; i < dim; ++i) {
      s[i] = decay * s[i] + g[i] * g[i];
      w[i] -= rate * g[i] / (std::sqrt(s[i]) + epsilon);
    }
    gradients += dim;
  }
}

}  // namespace cairn::ps::row_formulas
