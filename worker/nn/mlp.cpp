#include "worker/nn/mlp.h"

#include "worker/autograd/functions.h"

namespace cairn::nn {

Mlp::Mlp(Parameters& parameters, const std::string& name, size_t in,
         const std::vector<uint32_t>& units, Activation activation, size_t groups)
    : groups_(groups), width_(in) {
  for (size_t i = 0; i < units.size(); ++i)
    add_layer(parameters, name + "." + std::to_string(i), units[i], activation);
}

void Mlp::add_linear(Parameters& parameters, const std::string& name, size_t units) {
  add_layer(parameters, name, units, Activation::kNone);
}

void Mlp::add_layer(Parameters& parameters, const std::string& name, size_t units,
                    Activation activation) {
  const auto shape = [&](std::vector<uint32_t> of_one) {
    if (groups_ > 1) of_one.insert(of_one.begin(), static_cast<uint32_t>(groups_));
    return of_one;
  };
  const auto in = static_cast<uint32_t>(width_), out = static_cast<uint32_t>(units);
  const float limit = activation == Activation::kRelu ? he_limit(in) : glorot_limit(in, out);
  Variable* weight = parameters.add(name + ".weight", shape({out, in}), limit);
  Variable* bias = parameters.add(name + ".bias", shape({out}), 0.0f);
  // As the function sees it, a bias is one row, whatever its groups.
  bias->value = Matrix(nullptr, 1, groups_ * units);
  layers_.push_back({weight, bias, activation});
  width_ = units;
}

Variable* Mlp::forward(Tape& tape, Variable* x) const {
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    const size_t groups = i == 0 ? 1 : groups_;
    x = autograd::linear(tape, x, layer.weight, layer.bias, layer.activation, groups);
  }
  return x;
}

}  // namespace cairn::nn
