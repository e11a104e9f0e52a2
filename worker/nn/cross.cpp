#include "worker/nn/cross.h"

#include "worker/autograd/functions.h"

namespace cairn::nn {

Cross::Cross(Parameters& parameters, const std::string& name, size_t dim, size_t layers) {
  const auto width = static_cast<uint32_t>(dim);
  for (size_t i = 0; i < layers; ++i) {
    const std::string layer = name + "." + std::to_string(i);
    Variable* weight = parameters.add(layer + ".weight", {width, width}, glorot_limit(dim, dim));
    Variable* bias = parameters.add(layer + ".bias", {width}, 0.0f);
    layers_.push_back({weight, bias});
  }
}

Variable* Cross::forward(Tape& tape, Variable* x0) const {
  Variable* x = x0;
  for (const Layer& layer : layers_) x = autograd::cross(tape, x0, x, layer.weight, layer.bias);
  return x;
}

}  // namespace cairn::nn
