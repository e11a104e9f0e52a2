#include "worker/optimizers/adagrad.h"

#include <cmath>

#include "common/check.h"
#include "common/learning_rate.h"
#include "common/simd.h"

namespace cairn {
namespace {

CAIRN_SIMD void update(float* __restrict w, float* __restrict s, const float* __restrict g,
                       size_t count, float rate, float epsilon, float initial) {
  for (size_t i = 0; i < count; ++i) {
    s[i] += g[i] * g[i];
    w[i] -= rate * g[i] / (std::sqrt(initial + s[i]) + epsilon);
  }
}

class Adagrad final : public DenseOptimizer {
 public:
  Adagrad(const DenseOptimizerConfig& config, size_t floats) : config_(config), state_(floats) {}

  void step(std::span<float> values, std::span<const float> gradients, uint64_t step) override {
    check(values.size() == state_.size() && gradients.size() == state_.size(),
          "adagrad: not the model's parameters");
    update(values.data(), state_.data(), gradients.data(), values.size(),
           learning_rate(config_.learning_rate, config_.schedule, step), config_.epsilon,
           config_.initial_accumulator);
  }
  std::vector<std::string> state_names() const override { return {"squares"}; }
  std::span<float> state() override { return state_; }

 private:
  DenseOptimizerConfig config_;
  std::vector<float> state_;
};

}  // namespace

std::unique_ptr<DenseOptimizer> make_adagrad(const DenseOptimizerConfig& config,
                                             const ParameterLayout& layout) {
  return std::make_unique<Adagrad>(config, layout.floats);
}

}  // namespace cairn
