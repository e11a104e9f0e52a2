#include "worker/math/nn/attention.h"

#include "worker/math/tensor/padding.h"

namespace cairn::math::nn {

Attention::Attention(Parameters& parameters, const std::string& name, const ModelConfig& config,
                     size_t dim)
    : score_(parameters, name, 4 * dim, config.attention_units, config.activation),
      softmax_(config.attention_softmax) {
  score_.add_linear(parameters, name + "." + std::to_string(config.attention_units.size()), 1);
}

Variable* Attention::forward(Tape& tape, const BagView& bag, Variable* table,
                             Variable* target) const {
  Variable* x = autograd::attention_inputs(tape, bag, table, target, padded(bag.index.size()));
  Variable* scores = score_.forward(tape, x);
  if (softmax_) scores = autograd::bag_softmax(tape, bag, scores);
  return autograd::weighted_pool(tape, bag, table, scores);
}

}  // namespace cairn::math::nn
