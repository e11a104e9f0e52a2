#include "worker/nn/attention.h"

#include <algorithm>
#include <bit>

namespace cairn::nn {
namespace {

// Rows for `ids` ids. Every batch has another number, and every shape costs a product made for it:
// rounded up to eighths of powers of two, few occur, and no more than an eighth is added.
size_t padded(size_t ids) {
  constexpr size_t kLeast = 16;
  const size_t step = std::max(kLeast, std::bit_floor(ids) / 8);
  return (ids + step - 1) / step * step;
}

}  // namespace

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

}  // namespace cairn::nn
