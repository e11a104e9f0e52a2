#include "ps/optimizers/adagrad.h"

#include <algorithm>
#include <cmath>

#include "common/simd.h"

namespace cairn {

CAIRN_SIMD void adagrad_rows(std::span<float* const> rows, size_t dim, const float* gradients,
                             float learning_rate, float epsilon) {
  for (float* const row : rows) {
    float* const __restrict w = row;
    float* const __restrict s = row + dim;
    const float* const __restrict g = gradients;
    for (size_t i = 0; i < dim; ++i) {
      s[i] += g[i] * g[i];
      w[i] -= learning_rate * g[i] / (std::sqrt(s[i]) + epsilon);
    }
    gradients += dim;
  }
}

namespace {

class Adagrad final : public RowOptimizer {
 public:
  explicit Adagrad(const RowOptimizerConfig& config)
      : epsilon_(config.epsilon), initial_(config.initial_accumulator) {}

  size_t state_floats(size_t dim) const override { return dim; }
  void init_state(std::span<float> state) const override {
    std::fill(state.begin(), state.end(), initial_);
  }
  void update(std::span<float* const> rows, std::span<const uint32_t>, size_t dim,
              const float* gradients, const UpdateContext& context) const override {
    adagrad_rows(rows, dim, gradients, context.learning_rate, epsilon_);
  }

 private:
  const float epsilon_, initial_;
};

}  // namespace

std::unique_ptr<RowOptimizer> make_adagrad(const RowOptimizerConfig& config) {
  return std::make_unique<Adagrad>(config);
}

}  // namespace cairn
