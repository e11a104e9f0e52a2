#include "worker/math/optimizers/momentum.h"

#include "common/check.h"
#include "common/config/learning_rate.h"
#include "worker/math/tensor/buffer.h"

namespace cairn::math {
namespace {

class Momentum final : public DenseOptimizer {
 public:
  using Update = decltype(Ops::momentum);
  Momentum(const DenseOptimizerConfig& config, size_t floats, Memory& memory, Update update)
      : config_(config), update_(update), state_(memory, floats) {}

  void step(std::span<float> values, std::span<float> gradients, uint64_t step) override {
    check(values.size() == state_.size(), "momentum: not the model's parameters");
    update_(values, state_.span(), gradients,
            learning_rate(config_.learning_rate, config_.schedule, step), config_.momentum);
  }
  std::vector<std::string> state_names() const override { return {"momentum"}; }
  std::span<float> state() override { return state_.span(); }

 private:
  DenseOptimizerConfig config_;
  Update update_;
  NumberBuffer<float> state_;
};

}  // namespace

std::unique_ptr<DenseOptimizer> make_momentum(const DenseOptimizerConfig& config,
                                              const ParameterLayout& layout, const Ops& ops) {
  return std::make_unique<Momentum>(config, layout.floats, ops.memory(), ops.momentum);
}

std::unique_ptr<DenseOptimizer> make_nesterov(const DenseOptimizerConfig& config,
                                              const ParameterLayout& layout, const Ops& ops) {
  return std::make_unique<Momentum>(config, layout.floats, ops.memory(), ops.nesterov);
}

}  // namespace cairn::math
