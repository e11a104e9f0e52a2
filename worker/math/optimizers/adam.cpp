#include "worker/math/optimizers/adam.h"

#include <cmath>

#include "common/check.h"
#include "common/config/learning_rate.h"
#include "worker/math/tensor/buffer.h"

namespace cairn::math {
namespace {

class Adam final : public DenseOptimizer {
 public:
  Adam(const DenseOptimizerConfig& config, size_t floats, const Ops& ops)
      : config_(config), floats_(floats), ops_(ops), state_(ops.memory(), 2 * floats) {}

  void step(std::span<float> values, std::span<float> gradients, uint64_t step) override {
    check(values.size() == floats_, "adam: not the model's parameters");
    ops_.adam({.w = values,
               .m = state_.span().first(floats_),
               .v = state_.span().last(floats_),
               .g = gradients},
              adam_factors(config_, step));
  }
  std::vector<std::string> state_names() const override { return {"m", "v"}; }
  std::span<float> state() override { return state_.span(); }

 private:
  DenseOptimizerConfig config_;
  size_t floats_;
  const Ops& ops_;
  NumberBuffer<float> state_;  // m, then v
};

}  // namespace

AdamFactors adam_factors(const DenseOptimizerConfig& config, uint64_t step) {
  check(step >= 1, "adam: steps count from 1");
  // In double: 1 - beta2^t in float would lose half of its digits in the first steps.
  const double beta1 = config.beta1, beta2 = config.beta2, t = static_cast<double>(step);
  const float rate = learning_rate(config.learning_rate, config.schedule, step);
  return {.beta1 = config.beta1,
          .one_less_beta1 = static_cast<float>(1.0 - beta1),
          .beta2 = config.beta2,
          .one_less_beta2 = static_cast<float>(1.0 - beta2),
          .unbiased = static_cast<float>(1.0 / (1.0 - std::pow(beta1, t))),
          .root_unbiased = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(beta2, t))),
          .epsilon = config.epsilon,
          .rate = rate,
          .unbiased_rate = static_cast<float>(rate / (1.0 - std::pow(beta1, t)))};
}

std::unique_ptr<DenseOptimizer> make_adam(const DenseOptimizerConfig& config,
                                          const ParameterLayout& layout, const Ops& ops) {
  return std::make_unique<Adam>(config, layout.floats, ops);
}

}  // namespace cairn::math
