#include "worker/math/optimizers/clipped.h"

namespace cairn::math {
namespace {

class Clipped final : public DenseOptimizer {
 public:
  Clipped(std::unique_ptr<DenseOptimizer> optimizer, float norm_max, const Ops& ops)
      : optimizer_(std::move(optimizer)), norm_max_(norm_max), ops_(ops) {}

  void step(std::span<float> values, std::span<float> gradients, uint64_t step) override {
    ops_.clip(gradients, norm_max_);
    optimizer_->step(values, gradients, step);
  }
  std::vector<std::string> state_names() const override { return optimizer_->state_names(); }
  std::span<float> state() override { return optimizer_->state(); }

 private:
  std::unique_ptr<DenseOptimizer> optimizer_;
  float norm_max_;
  const Ops& ops_;
};

}  // namespace

std::unique_ptr<DenseOptimizer> make_clipped(std::unique_ptr<DenseOptimizer> optimizer,
                                             float norm_max, const Ops& ops) {
  return std::make_unique<Clipped>(std::move(optimizer), norm_max, ops);
}

}  // namespace cairn::math
