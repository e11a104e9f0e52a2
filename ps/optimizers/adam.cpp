#include "ps/optimizers/adam.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "common/check.h"
#include "common/simd.h"

namespace cairn {

CAIRN_SIMD void adam_rows(std::span<float* const> rows, size_t dim, const float* gradients,
                          const float* corrections1, const float* corrections2,
                          const AdamParameters& parameters) {
  const auto [learning_rate, beta1, beta2, epsilon] = parameters;
  for (float* const row : rows) {
    const float c1 = *corrections1++, c2 = *corrections2++;
    float* const __restrict w = row;
    float* const __restrict m = row + dim;
    float* const __restrict v = row + 2 * dim;
    const float* const __restrict g = gradients;
    for (size_t i = 0; i < dim; ++i) {
      m[i] = beta1 * m[i] + (1.0f - beta1) * g[i];
      v[i] = beta2 * v[i] + (1.0f - beta2) * (g[i] * g[i]);
      w[i] -= learning_rate * (m[i] * c1) / (std::sqrt(v[i] * c2) + epsilon);
    }
    gradients += dim;
  }
}

BiasCorrection::BiasCorrection(double beta) : beta_(beta) {
  constexpr uint32_t kEntriesMax = 1u << 16;  // 256 KiB; a slower decay computes beyond it
  for (uint32_t n = 0; n < kEntriesMax && (n < 2 || table_.back() != 1.0f); ++n)
    table_.push_back(compute(n));
}

float BiasCorrection::compute(uint32_t count) const {
  return static_cast<float>(1.0 / (1.0 - std::pow(beta_, count)));
}

namespace {

class Adam final : public RowOptimizer {
 public:
  explicit Adam(const RowOptimizerConfig& config)
      : config_(config), correction1_(config.beta1), correction2_(config.beta2) {}

  size_t state_floats(size_t dim) const override { return 2 * dim; }
  void init_state(std::span<float> state) const override {
    std::fill(state.begin(), state.end(), 0.0f);
  }
  void update(std::span<float* const> rows, std::span<const uint32_t> counts, size_t dim,
              const float* gradients, const UpdateContext& context) const override {
    constexpr size_t kChunk = 256;
    std::array<float, kChunk> c1, c2;
    for (size_t first = 0; first < rows.size(); first += kChunk) {
      const size_t n = std::min(kChunk, rows.size() - first);
      for (size_t i = 0; i < n; ++i) {
        check(counts[first + i] > 0, "a touched row has a count");
        c1[i] = correction1_(counts[first + i]);
        c2[i] = correction2_(counts[first + i]);
      }
      adam_rows(rows.subspan(first, n), dim, gradients + first * dim, c1.data(), c2.data(),
                {context.learning_rate, config_.beta1, config_.beta2, config_.epsilon});
    }
  }

 private:
  const RowOptimizerConfig config_;
  const BiasCorrection correction1_, correction2_;
};

}  // namespace

std::unique_ptr<RowOptimizer> make_adam(const RowOptimizerConfig& config) {
  return std::make_unique<Adam>(config);
}

}  // namespace cairn
