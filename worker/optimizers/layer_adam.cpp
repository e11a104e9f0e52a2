#include "worker/optimizers/layer_adam.h"

#include <cmath>

#include "common/check.h"
#include "common/learning_rate.h"
#include "common/simd.h"

namespace cairn {
namespace {

struct Factors {
  float beta1, one_less_beta1, beta2, one_less_beta2;
  float unbiased, root_unbiased;  // 1 / (1 - beta1^t), 1 / sqrt(1 - beta2^t)
  float epsilon, decay;
};

// u = m' / (sqrt(v') + epsilon) + decay w
CAIRN_SIMD void direction(const float* __restrict w, float* __restrict m, float* __restrict v,
                          const float* __restrict g, float* __restrict u, size_t count,
                          const Factors& f) {
  for (size_t i = 0; i < count; ++i) {
    m[i] = f.beta1 * m[i] + f.one_less_beta1 * g[i];
    v[i] = f.beta2 * v[i] + f.one_less_beta2 * (g[i] * g[i]);
    u[i] = f.unbiased * m[i] / (std::sqrt(v[i]) * f.root_unbiased + f.epsilon) + f.decay * w[i];
  }
}

CAIRN_SIMD void move(float* __restrict w, const float* __restrict u, size_t count, float rate) {
  for (size_t i = 0; i < count; ++i) w[i] -= rate * u[i];
}

double norm(const float* x, size_t count) {
  double sum = 0.0;
  for (size_t i = 0; i < count; ++i) sum += double{x[i]} * x[i];
  return std::sqrt(sum);
}

class LayerAdam final : public DenseOptimizer {
 public:
  LayerAdam(const DenseOptimizerConfig& config, const ParameterLayout& layout, bool by_norm)
      : config_(config),
        layers_(layout.parameters.begin(), layout.parameters.end()),
        by_norm_(by_norm),
        floats_(layout.floats),
        state_(2 * layout.floats),
        direction_(layout.floats) {
    if (layers_.empty())
      layers_.push_back({.name = "", .shape = {}, .offset = 0, .size = floats_, .decays = true});
  }

  void step(std::span<float> values, std::span<const float> gradients, uint64_t step) override {
    check(values.size() == floats_ && gradients.size() == floats_,
          "adamw, lamb: not the model's parameters");
    check(step >= 1, "adamw, lamb: steps count from 1");
    // In double: 1 - beta2^t in float would lose half of its digits in the first steps.
    const double beta1 = config_.beta1, beta2 = config_.beta2, t = static_cast<double>(step);
    Factors f = {config_.beta1,
                 static_cast<float>(1.0 - beta1),
                 config_.beta2,
                 static_cast<float>(1.0 - beta2),
                 static_cast<float>(1.0 / (1.0 - std::pow(beta1, t))),
                 static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(beta2, t))),
                 config_.epsilon,
                 0.0f};
    const float rate = learning_rate(config_.learning_rate, config_.schedule, step);
    for (const ParameterInfo& layer : layers_) {
      if (!layer.trained) continue;
      f.decay = layer.decays ? config_.weight_decay : 0.0f;
      float *w = values.data() + layer.offset, *u = direction_.data() + layer.offset;
      direction(w, state_.data() + layer.offset, state_.data() + floats_ + layer.offset,
                gradients.data() + layer.offset, u, layer.size, f);
      move(w, u, layer.size, rate * trust(w, u, layer.size));
    }
  }
  std::vector<std::string> state_names() const override { return {"m", "v"}; }
  std::span<float> state() override { return state_; }

 private:
  float trust(const float* w, const float* u, size_t count) const {
    if (!by_norm_) return 1.0f;
    const double of_w = norm(w, count), of_u = norm(u, count);
    return of_w > 0.0 && of_u > 0.0 ? static_cast<float>(of_w / of_u) : 1.0f;
  }

  DenseOptimizerConfig config_;
  std::vector<ParameterInfo> layers_;
  bool by_norm_;
  size_t floats_;
  std::vector<float> state_;      // m, then v
  std::vector<float> direction_;  // u, of the step
};

}  // namespace

std::unique_ptr<DenseOptimizer> make_adamw(const DenseOptimizerConfig& config,
                                           const ParameterLayout& layout) {
  return std::make_unique<LayerAdam>(config, layout, /*by_norm=*/false);
}

std::unique_ptr<DenseOptimizer> make_lamb(const DenseOptimizerConfig& config,
                                          const ParameterLayout& layout) {
  return std::make_unique<LayerAdam>(config, layout, /*by_norm=*/true);
}

}  // namespace cairn
