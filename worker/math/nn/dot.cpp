#include "worker/math/nn/dot.h"

#include <array>

#include "worker/math/autograd/functions.h"
#include "worker/math/autograd/interactions.h"

namespace cairn::math::nn {

Dot::Dot(Parameters& parameters, const std::string& name, const FeatureShape& shape,
         std::vector<uint32_t> units, Activation activation)
    : shape_(shape) {
  if (shape.numbers == 0) return;
  units.push_back(static_cast<uint32_t>(shape.dim));
  bottom_ = Mlp(parameters, name + ".bottom", shape.numbers, units, activation);
}

Variable* Dot::forward(Tape& tape, const Features& in) const {
  Variable* fields = autograd::columns(tape, in.x0, 0, shape_.fields * shape_.dim);
  if (shape_.numbers == 0) return autograd::dots(tape, fields, shape_.dim);
  Variable* bottom = bottom_.forward(tape, in.numbers);
  const std::array vectors = {bottom, fields};
  const std::array parts = {bottom,
                            autograd::dots(tape, autograd::concat(tape, vectors), shape_.dim)};
  return autograd::concat(tape, parts);
}

size_t Dot::out() const {
  const size_t bottom = shape_.numbers > 0 ? 1 : 0, n = shape_.fields + bottom;
  return bottom * shape_.dim + n * (n - 1) / 2;
}

}  // namespace cairn::math::nn
