#include "ps/optimizers/sgd.h"

#include "common/simd.h"

namespace cairn {

CAIRN_SIMD void sgd_rows(std::span<float* const> rows, size_t dim, const float* gradients,
                         float learning_rate) {
  for (float* const row : rows) {
    float* const __restrict w = row;
    const float* const __restrict g = gradients;
    for (size_t i = 0; i < dim; ++i) w[i] -= learning_rate * g[i];
    gradients += dim;
  }
}

namespace {

class Sgd final : public RowOptimizer {
 public:
  size_t state_floats(size_t) const override { return 0; }
  void init_state(std::span<float>) const override {}
  void update(std::span<float* const> rows, std::span<const uint32_t>, size_t dim,
              const float* gradients, const UpdateContext& context) const override {
    sgd_rows(rows, dim, gradients, context.learning_rate);
  }
};

}  // namespace

std::unique_ptr<RowOptimizer> make_sgd(const RowOptimizerConfig&) {
  return std::make_unique<Sgd>();
}

}  // namespace cairn
