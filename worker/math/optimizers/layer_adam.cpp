#include "worker/math/optimizers/layer_adam.h"

#include <algorithm>

#include "common/check.h"
#include "worker/math/optimizers/adam.h"
#include "worker/math/tensor/buffer.h"

namespace cairn::math {
namespace {

// One an element, so that one pass over the flat buffer serves all layers. Gaps and statistics have
// 0: their gradients are 0 too, so they stay as they are.
std::vector<float> decays(const ParameterLayout& layout, float decay) {
  std::vector<float> all(layout.floats, layout.parameters.empty() ? decay : 0.0f);
  for (const ParameterInfo& layer : layout.parameters)
    if (layer.trained && layer.decays)
      std::fill_n(all.begin() + static_cast<ptrdiff_t>(layer.offset), layer.size, decay);
  return all;
}

class LayerAdam final : public DenseOptimizer {
 public:
  LayerAdam(const DenseOptimizerConfig& config, const ParameterLayout& layout, const Ops& ops,
            bool by_norm)
      : config_(config),
        layers_(layout.parameters.begin(), layout.parameters.end()),
        by_norm_(by_norm),
        floats_(layout.floats),
        ops_(ops),
        state_(ops.memory(), 2 * layout.floats),
        decay_(ops.memory(), decays(layout, config.weight_decay)),
        direction_(ops.memory(), by_norm ? layout.floats : 0) {
    if (layers_.empty())
      layers_.push_back({.name = "", .shape = {}, .offset = 0, .size = floats_, .decays = true});
  }

  void step(std::span<float> values, std::span<float> gradients, uint64_t step) override {
    check(values.size() == floats_, "adamw, lamb: not the model's parameters");
    const AdamSpans spans = {.w = values,
                             .m = state_.span().first(floats_),
                             .v = state_.span().last(floats_),
                             .g = gradients};
    const AdamFactors factors = adam_factors(config_, step);
    if (!by_norm_) return ops_.adamw(spans, decay_.span(), factors);
    ops_.adam_direction(spans, decay_.span(), factors, direction_.span());
    for (const ParameterInfo& layer : layers_)
      if (layer.trained)
        ops_.move_by_norms(values.subspan(layer.offset, layer.size),
                           direction_.span().subspan(layer.offset, layer.size), factors.rate);
  }
  std::vector<std::string> state_names() const override { return {"m", "v"}; }
  std::span<float> state() override { return state_.span(); }

 private:
  DenseOptimizerConfig config_;
  std::vector<ParameterInfo> layers_;
  bool by_norm_;
  size_t floats_;
  const Ops& ops_;
  NumberBuffer<float> state_;  // m, then v
  NumberBuffer<float> decay_;
  NumberBuffer<float> direction_;  // u, of the step; lamb's
};

}  // namespace

std::unique_ptr<DenseOptimizer> make_adamw(const DenseOptimizerConfig& config,
                                           const ParameterLayout& layout, const Ops& ops) {
  return std::make_unique<LayerAdam>(config, layout, ops, /*by_norm=*/false);
}

std::unique_ptr<DenseOptimizer> make_lamb(const DenseOptimizerConfig& config,
                                          const ParameterLayout& layout, const Ops& ops) {
  return std::make_unique<LayerAdam>(config, layout, ops, /*by_norm=*/true);
}

}  // namespace cairn::math
