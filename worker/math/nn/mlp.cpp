#include "worker/math/nn/mlp.h"

#include "worker/math/autograd/functions.h"
#include "worker/math/autograd/interactions.h"

namespace cairn::math::nn {
namespace {

constexpr float kSlope = 0.25f;  // prelu's first. Source: He et al., ICCV 2015

// Whether the product itself can end in the activation.
bool rides_on_the_product(const HiddenLayer& after) {
  return after.normalization == Normalization::kNone && after.activation <= Activation::kRelu;
}

}  // namespace

Mlp::Mlp(Parameters& parameters, const std::string& name, size_t in,
         const std::vector<uint32_t>& units, const HiddenLayer& hidden, size_t groups)
    : groups_(groups), width_(in) {
  for (size_t i = 0; i < units.size(); ++i)
    add_layer(parameters, name + "." + std::to_string(i), units[i], hidden);
}

void Mlp::add_linear(Parameters& parameters, const std::string& name, size_t units) {
  add_layer(parameters, name, units, Activation::kNone);
}

void Mlp::add_layer(Parameters& parameters, const std::string& name, size_t units,
                    const HiddenLayer& after) {
  const auto shape = [&](std::vector<uint32_t> of_one) {
    if (groups_ > 1) of_one.insert(of_one.begin(), static_cast<uint32_t>(groups_));
    return of_one;
  };
  const auto in = static_cast<uint32_t>(width_), out = static_cast<uint32_t>(units);
  // Functions see the values of units as one row, whatever the groups.
  const auto a_unit = [&](const char* what, float value, bool trained = true) {
    Variable* made = parameters.add_constant(name + what, shape({out}), value, trained);
    made->value = Matrix(nullptr, 1, groups_ * units);
    return made;
  };
  const float limit = after.activation == Activation::kRelu ? he_limit(in) : glorot_limit(in, out);
  Variable* weight = parameters.add(name + ".weight", shape({out, in}), limit);
  Layer layer{weight, a_unit(".bias", 0.0f), after};
  if (after.activation == Activation::kPrelu) layer.slope = a_unit(".slope", kSlope);
  if (after.normalization != Normalization::kNone) {
    layer.norm.scale = a_unit(".scale", 1.0f);
    layer.norm.shift = a_unit(".shift", 0.0f);
  }
  if (after.normalization == Normalization::kBatch) {
    layer.norm.mean = a_unit(".mean", 0.0f, /*trained=*/false);
    layer.norm.variance = a_unit(".variance", 1.0f, /*trained=*/false);
  }
  if (after.dropout > 0.0f) layer.dropout_layer = parameters.next_dropout();
  layers_.push_back(layer);
  width_ = units;
}

Variable* Mlp::finish(Tape& tape, const Layer& layer, Variable* x) {
  if (layer.after.normalization == Normalization::kLayer)
    x = autograd::layer_norm(tape, x, layer.norm.scale, layer.norm.shift);
  if (layer.after.normalization == Normalization::kBatch)
    x = autograd::batch_norm(tape, x, layer.norm);
  return autograd::activation(tape, layer.after.activation, x, layer.slope);
}

Variable* Mlp::forward(Tape& tape, Variable* x) const {
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    const size_t groups = i == 0 ? 1 : groups_;
    const bool rides = rides_on_the_product(layer.after);
    x = autograd::linear(tape, x, layer.weight, layer.bias,
                         rides ? layer.after.activation : Activation::kNone, groups);
    if (!rides) x = finish(tape, layer, x);
    x = autograd::dropout(tape, x, layer.after.dropout, layer.dropout_layer);
  }
  return x;
}

}  // namespace cairn::math::nn
