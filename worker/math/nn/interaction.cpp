#include "worker/math/nn/interaction.h"

#include "worker/math/nn/cross.h"
#include "worker/math/nn/cross_low_rank.h"
#include "worker/math/nn/dot.h"
#include "worker/math/nn/fm.h"

namespace cairn::math::nn {
namespace {

std::unique_ptr<InteractionLayer> make_cross(Parameters& parameters, const ModelConfig& config,
                                             size_t dim) {
  const size_t layers = config.cross_layers;
  if (layers == 0) return nullptr;
  switch (config.cross_type) {
    case CrossType::kVector:
      return std::make_unique<VectorCross>(parameters, "cross", dim, layers);
    case CrossType::kFull:
      return std::make_unique<Cross>(parameters, "cross", dim, layers);
    case CrossType::kLowRank:
      return std::make_unique<LowRankCross>(parameters, "cross", dim, layers, config.cross_rank);
    case CrossType::kMixture:
      return std::make_unique<MixtureCross>(parameters, "cross", dim, layers, config.cross_rank,
                                            config.cross_experts);
  }
  return nullptr;
}

}  // namespace

std::unique_ptr<InteractionLayer> make_interaction(Parameters& parameters,
                                                   const ModelConfig& config,
                                                   const FeatureShape& shape) {
  switch (config.interaction) {
    case Interaction::kNone:
      return nullptr;
    case Interaction::kCross:
      return make_cross(parameters, config, shape.columns);
    case Interaction::kFm:
      return std::make_unique<Fm>(parameters, "fm", shape);
    case Interaction::kDot:
      return std::make_unique<Dot>(parameters, "dot", shape, config.bottom_units,
                                   config.activation);
  }
  return nullptr;
}

}  // namespace cairn::math::nn
