#include "worker/math/optimizers/sgd.h"

#include "common/check.h"
#include "common/config/learning_rate.h"

namespace cairn::math {
namespace {

class Sgd final : public DenseOptimizer {
 public:
  Sgd(const DenseOptimizerConfig& config, size_t floats, const Ops& ops)
      : config_(config), floats_(floats), ops_(ops) {}

  void step(std::span<float> values, std::span<float> gradients, uint64_t step) override {
    check(values.size() == floats_, "sgd: not the model's parameters");
    ops_.sgd(values, gradients, learning_rate(config_.learning_rate, config_.schedule, step));
  }
  std::vector<std::string> state_names() const override { return {}; }
  std::span<float> state() override { return {}; }

 private:
  DenseOptimizerConfig config_;
  size_t floats_;
  const Ops& ops_;
};

}  // namespace

std::unique_ptr<DenseOptimizer> make_sgd(const DenseOptimizerConfig& config,
                                         const ParameterLayout& layout, const Ops& ops) {
  return std::make_unique<Sgd>(config, layout.floats, ops);
}

}  // namespace cairn::math
