#include "worker/optimizers/clipped.h"

#include <cmath>

namespace cairn {
namespace {

class Clipped final : public DenseOptimizer {
 public:
  Clipped(std::unique_ptr<DenseOptimizer> optimizer, float norm_max)
      : optimizer_(std::move(optimizer)), norm_max_(norm_max) {}

  void step(std::span<float> values, std::span<const float> gradients, uint64_t step) override {
    double sum = 0.0;
    for (const float g : gradients) sum += double{g} * g;
    const double norm = std::sqrt(sum);
    if (!(norm > norm_max_)) return optimizer_->step(values, gradients, step);
    const auto scale = static_cast<float>(norm_max_ / norm);
    scaled_.resize(gradients.size());
    for (size_t i = 0; i < scaled_.size(); ++i) scaled_[i] = scale * gradients[i];
    optimizer_->step(values, scaled_, step);
  }
  std::vector<std::string> state_names() const override { return optimizer_->state_names(); }
  std::span<float> state() override { return optimizer_->state(); }

 private:
  std::unique_ptr<DenseOptimizer> optimizer_;
  double norm_max_;
  std::vector<float> scaled_;
};

}  // namespace

std::unique_ptr<DenseOptimizer> make_clipped(std::unique_ptr<DenseOptimizer> optimizer,
                                             float norm_max) {
  return std::make_unique<Clipped>(std::move(optimizer), norm_max);
}

}  // namespace cairn
