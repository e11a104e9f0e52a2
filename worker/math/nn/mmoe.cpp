#include "worker/math/nn/mmoe.h"

#include "worker/math/autograd/functions.h"

namespace cairn::math::nn {

Mmoe::Mmoe(Parameters& parameters, const ModelConfig& config, size_t tasks, size_t in)
    : experts_(parameters, "head.experts", in, config.expert_units, config.activation,
               config.experts),
      gates_(parameters, "head.gates", in, {config.experts}, Activation::kNone, tasks) {}

void Mmoe::forward(Tape& tape, Variable* x, std::span<Variable*> inputs) const {
  Variable* experts = experts_.forward(tape, x);
  autograd::gates(tape, gates_.forward(tape, x), experts, inputs);
}

}  // namespace cairn::math::nn
