#include "worker/optimizers/sgd.h"

#include "common/check.h"
#include "common/learning_rate.h"
#include "common/simd.h"

namespace cairn {
namespace {

CAIRN_SIMD void descend(float* __restrict w, const float* __restrict g, size_t count,
                        float learning_rate) {
  for (size_t i = 0; i < count; ++i) w[i] -= learning_rate * g[i];
}

class Sgd final : public DenseOptimizer {
 public:
  Sgd(const DenseOptimizerConfig& config, size_t parameters)
      : config_(config), parameters_(parameters) {}

  void step(std::span<float> values, std::span<const float> gradients, uint64_t step) override {
    check(values.size() == parameters_, "sgd: not the model's parameters");
    sgd_update(values, gradients, learning_rate(config_.learning_rate, config_.schedule, step));
  }
  std::vector<std::string> state_names() const override { return {}; }
  std::span<float> state() override { return {}; }

 private:
  DenseOptimizerConfig config_;
  size_t parameters_;
};

}  // namespace

void sgd_update(std::span<float> w, std::span<const float> g, float learning_rate) {
  check(w.size() == g.size(), "sgd: values and gradients differ in size");
  descend(w.data(), g.data(), w.size(), learning_rate);
}

std::unique_ptr<DenseOptimizer> make_sgd(const DenseOptimizerConfig& config,
                                         const ParameterLayout& layout) {
  return std::make_unique<Sgd>(config, layout.floats);
}

}  // namespace cairn
