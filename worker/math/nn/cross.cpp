#include "worker/math/nn/cross.h"

#include "worker/math/autograd/functions.h"
#include "worker/math/autograd/interactions.h"

namespace cairn::math::nn {

Cross::Cross(Parameters& parameters, const std::string& name, size_t dim, size_t layers)
    : dim_(dim) {
  const auto width = static_cast<uint32_t>(dim);
  for (size_t i = 0; i < layers; ++i) {
    const std::string layer = name + "." + std::to_string(i);
    Variable* weight = parameters.add(layer + ".weight", {width, width}, glorot_limit(dim, dim));
    Variable* bias = parameters.add(layer + ".bias", {width}, 0.0f);
    layers_.push_back({weight, bias});
  }
}

Variable* Cross::forward(Tape& tape, const Features& in) const {
  Variable* x = in.x0;
  for (const Layer& layer : layers_) x = autograd::cross(tape, in.x0, x, layer.weight, layer.bias);
  return x;
}

VectorCross::VectorCross(Parameters& parameters, const std::string& name, size_t dim, size_t layers)
    : dim_(dim) {
  const auto width = static_cast<uint32_t>(dim);
  for (size_t i = 0; i < layers; ++i) {
    const std::string layer = name + "." + std::to_string(i);
    Variable* weight = parameters.add(layer + ".weight", {width}, glorot_limit(dim, 1));
    Variable* bias = parameters.add(layer + ".bias", {width}, 0.0f);
    layers_.push_back({weight, bias});
  }
}

Variable* VectorCross::forward(Tape& tape, const Features& in) const {
  Variable* x = in.x0;
  for (const Layer& layer : layers_)
    x = autograd::vector_cross(tape, in.x0, x, layer.weight, layer.bias);
  return x;
}

}  // namespace cairn::math::nn
