#include "worker/math/optimizers/adagrad.h"

#include "common/check.h"
#include "common/config/learning_rate.h"
#include "worker/math/tensor/buffer.h"

namespace cairn::math {
namespace {

class Adagrad final : public DenseOptimizer {
 public:
  Adagrad(const DenseOptimizerConfig& config, size_t floats, const Ops& ops)
      : config_(config), ops_(ops), state_(ops.memory(), floats) {}

  void step(std::span<float> values, std::span<float> gradients, uint64_t step) override {
    check(values.size() == state_.size(), "adagrad: not the model's parameters");
    ops_.adagrad(values, state_.span(), gradients,
                 {.rate = learning_rate(config_.learning_rate, config_.schedule, step),
                  .epsilon = config_.epsilon,
                  .initial = config_.initial_accumulator});
  }
  std::vector<std::string> state_names() const override { return {"squares"}; }
  std::span<float> state() override { return state_.span(); }

 private:
  DenseOptimizerConfig config_;
  const Ops& ops_;
  NumberBuffer<float> state_;
};

}  // namespace

std::unique_ptr<DenseOptimizer> make_adagrad(const DenseOptimizerConfig& config,
                                             const ParameterLayout& layout, const Ops& ops) {
  return std::make_unique<Adagrad>(config, layout.floats, ops);
}

}  // namespace cairn::math
