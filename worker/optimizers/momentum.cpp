#include "worker/optimizers/momentum.h"

#include "common/check.h"
#include "common/learning_rate.h"
#include "common/simd.h"

namespace cairn {
namespace {

CAIRN_SIMD void momentum_update(float* __restrict w, float* __restrict u, const float* __restrict g,
                                size_t count, float rate, float momentum) {
  for (size_t i = 0; i < count; ++i) {
    u[i] = momentum * u[i] + g[i];
    w[i] -= rate * u[i];
  }
}

CAIRN_SIMD void nesterov_update(float* __restrict w, float* __restrict u, const float* __restrict g,
                                size_t count, float rate, float momentum) {
  for (size_t i = 0; i < count; ++i) {
    u[i] = momentum * u[i] + g[i];
    w[i] -= rate * (g[i] + momentum * u[i]);
  }
}

class Momentum final : public DenseOptimizer {
 public:
  using Update = void (*)(float*, float*, const float*, size_t, float, float);
  Momentum(const DenseOptimizerConfig& config, size_t floats, Update update)
      : config_(config), update_(update), state_(floats) {}

  void step(std::span<float> values, std::span<const float> gradients, uint64_t step) override {
    check(values.size() == state_.size() && gradients.size() == state_.size(),
          "momentum: not the model's parameters");
    update_(values.data(), state_.data(), gradients.data(), values.size(),
            learning_rate(config_.learning_rate, config_.schedule, step), config_.momentum);
  }
  std::vector<std::string> state_names() const override { return {"momentum"}; }
  std::span<float> state() override { return state_; }

 private:
  DenseOptimizerConfig config_;
  Update update_;
  std::vector<float> state_;
};

}  // namespace

std::unique_ptr<DenseOptimizer> make_momentum(const DenseOptimizerConfig& config,
                                              const ParameterLayout& layout) {
  return std::make_unique<Momentum>(config, layout.floats, momentum_update);
}

std::unique_ptr<DenseOptimizer> make_nesterov(const DenseOptimizerConfig& config,
                                              const ParameterLayout& layout) {
  return std::make_unique<Momentum>(config, layout.floats, nesterov_update);
}

}  // namespace cairn
