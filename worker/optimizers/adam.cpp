#include "worker/optimizers/adam.h"

#include <cmath>

#include "common/check.h"
#include "common/learning_rate.h"
#include "common/simd.h"

namespace cairn {
namespace {

struct AdamFactors {
  float beta1, one_less_beta1;
  float beta2, one_less_beta2;
  float rate;           // learning_rate / (1 - beta1^t)
  float root_unbiased;  // 1 / sqrt(1 - beta2^t)
  float epsilon;
};

CAIRN_SIMD void update(float* __restrict w, float* __restrict m, float* __restrict v,
                       const float* __restrict g, size_t count, const AdamFactors& f) {
  for (size_t i = 0; i < count; ++i) {
    m[i] = f.beta1 * m[i] + f.one_less_beta1 * g[i];
    v[i] = f.beta2 * v[i] + f.one_less_beta2 * (g[i] * g[i]);
    w[i] -= f.rate * m[i] / (std::sqrt(v[i]) * f.root_unbiased + f.epsilon);
  }
}

class Adam final : public DenseOptimizer {
 public:
  Adam(const DenseOptimizerConfig& config, size_t parameters)
      : config_(config), parameters_(parameters), state_(2 * parameters) {}

  void step(std::span<float> values, std::span<const float> gradients, uint64_t step) override {
    check(values.size() == parameters_, "adam: not the model's parameters");
    const std::span<float> all = state_;
    adam_update(values, all.first(parameters_), all.last(parameters_), gradients, config_, step);
  }
  std::vector<std::string> state_names() const override { return {"m", "v"}; }
  std::span<float> state() override { return state_; }

 private:
  DenseOptimizerConfig config_;
  size_t parameters_;
  std::vector<float> state_;  // m, then v
};

}  // namespace

void adam_update(std::span<float> w, std::span<float> m, std::span<float> v,
                 std::span<const float> g, const DenseOptimizerConfig& config, uint64_t step) {
  check(w.size() == g.size() && m.size() == g.size() && v.size() == g.size(),
        "adam: values, state and gradients differ in size");
  check(step >= 1, "adam: steps count from 1");
  // In double: 1 - beta2^t in float would lose half of its digits in the first steps.
  const double beta1 = config.beta1, beta2 = config.beta2, t = static_cast<double>(step);
  const AdamFactors factors = {
      .beta1 = config.beta1,
      .one_less_beta1 = static_cast<float>(1.0 - beta1),
      .beta2 = config.beta2,
      .one_less_beta2 = static_cast<float>(1.0 - beta2),
      .rate = static_cast<float>(learning_rate(config.learning_rate, config.schedule, step) /
                                 (1.0 - std::pow(beta1, t))),
      .root_unbiased = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(beta2, t))),
      .epsilon = config.epsilon};
  update(w.data(), m.data(), v.data(), g.data(), w.size(), factors);
}

std::unique_ptr<DenseOptimizer> make_adam(const DenseOptimizerConfig& config,
                                          const ParameterLayout& layout) {
  return std::make_unique<Adam>(config, layout.floats);
}

}  // namespace cairn
