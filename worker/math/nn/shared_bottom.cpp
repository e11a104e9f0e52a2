#include "worker/math/nn/shared_bottom.h"

#include <algorithm>

namespace cairn::math::nn {

SharedBottom::SharedBottom(Parameters& parameters, const ModelConfig& config, size_t in)
    : bottom_(parameters, "head.bottom", in, config.expert_units, config.activation) {}

void SharedBottom::forward(Tape& tape, Variable* x, std::span<Variable*> inputs) const {
  std::ranges::fill(inputs, bottom_.forward(tape, x));
}

}  // namespace cairn::math::nn
