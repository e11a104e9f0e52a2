#include "worker/math/nn/fm.h"

#include <array>

#include "worker/math/autograd/functions.h"
#include "worker/math/autograd/interactions.h"

namespace cairn::math::nn {

Fm::Fm(Parameters& parameters, const std::string& name, const FeatureShape& shape) : shape_(shape) {
  if (shape.numbers > 0)
    vectors_ = parameters.add(
        name + ".numbers", {static_cast<uint32_t>(shape.numbers), static_cast<uint32_t>(shape.dim)},
        glorot_limit(shape.numbers, shape.dim));
}

Variable* Fm::forward(Tape& tape, const Features& in) const {
  Variable* fields = autograd::columns(tape, in.x0, 0, shape_.fields * shape_.dim);
  if (vectors_ != nullptr) {
    const std::array parts = {fields, autograd::number_fields(tape, in.numbers, vectors_)};
    fields = autograd::concat(tape, parts);
  }
  return autograd::pairs(tape, fields, shape_.dim);
}

}  // namespace cairn::math::nn
