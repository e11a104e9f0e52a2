#include "worker/math/models/inputs.h"

#include "worker/math/autograd/functions.h"
#include "worker/math/autograd/interactions.h"

namespace cairn::math {

Inputs::Inputs(nn::Parameters& parameters, const ModelConfig& config, const ModelShape& shape,
               size_t row_weights)
    : shape_(shape), row_weights_(row_weights) {
  features_.numbers = features_.columns = shape.dense_columns;
  for (size_t b = 0; b < shape.bags.size(); ++b) {
    const size_t dim = vector_dim(b);
    if (dim == 0) continue;
    features_.dim = features_.fields == 0 || features_.dim == dim ? dim : 0;
    ++features_.fields;
    features_.columns += dim;
  }
  if (row_weights > 0 && shape.dense_columns > 0)
    number_weights_ =
        parameters.add("wide.numbers", {static_cast<uint32_t>(row_weights), shape.dense_columns},
                       nn::glorot_limit(shape.dense_columns, row_weights));
  attentions_.resize(shape.bags.size());
  for (size_t b = 0; b < shape.bags.size(); ++b)
    if (shape.bags[b].pooling == Pooling::kAttention)
      attentions_[b].emplace(parameters, "attention." + std::to_string(b), config, vector_dim(b));
}

Variable* Inputs::pooled(Tape& tape, const NetworkInput& batch, Variable* TableRows::*part,
                         size_t first, size_t last, Variable* numbers) const {
  const ModelInput& input = batch.input;
  const std::span<BagView> bags = tape.arena().array<BagView>(last - first);
  const std::span<Variable*> rows = tape.arena().array<Variable*>(last - first);
  size_t count = 0;
  for (size_t b = first; b < last; ++b) {
    Variable* table = batch.tables[shape_.bags[b].table].*part;
    if (table == nullptr) continue;
    const Pooling pooling = shape_.bags[b].pooling;
    bags[count] = {input.bags[b].offsets, input.bags[b].index,
                   pooling == Pooling::kAttention ? Pooling::kSum : pooling};
    rows[count++] = table;
  }
  return autograd::pooled_features(tape, input.samples, bags.first(count), rows.first(count),
                                   numbers);
}

nn::Features Inputs::features(Tape& tape, const NetworkInput& batch) const {
  Variable* numbers = shape_.dense_columns > 0 ? batch.numbers : nullptr;
  const auto between = [&](size_t first, size_t last, Variable* beside) {
    return pooled(tape, batch, &TableRows::vectors, first, last, beside);
  };
  // Features that stand between those with attention are pooled at once.
  const std::span<Variable*> parts = tape.arena().array<Variable*>(2 * shape_.bags.size() + 1);
  size_t count = 0, first = 0;
  for (size_t b = 0; b < shape_.bags.size(); ++b) {
    if (!attentions_[b]) continue;
    if (first < b) parts[count++] = between(first, b, nullptr);
    parts[count++] = attended(tape, batch, b);
    first = b + 1;
  }
  if (count == 0 || first < shape_.bags.size() || numbers != nullptr)
    parts[count++] = between(first, shape_.bags.size(), numbers);
  return {autograd::concat(tape, parts.first(count)), batch.numbers};
}

Variable* Inputs::attended(Tape& tape, const NetworkInput& batch, size_t bag) const {
  const ModelInput::Bag& ids = batch.input.bags[bag];
  const uint32_t target = shape_.bags[bag].target;
  return attentions_[bag]->forward(
      tape, {ids.offsets, ids.index, Pooling::kAttention},
      batch.tables[shape_.bags[bag].table].vectors,
      pooled(tape, batch, &TableRows::vectors, target, target + 1, nullptr));
}

Variable* Inputs::wide(Tape& tape, const NetworkInput& batch) const {
  if (row_weights_ == 0) return nullptr;
  Variable* sum = nullptr;
  if (!shape_.bags.empty()) {
    Variable* all = pooled(tape, batch, &TableRows::weights, 0, shape_.bags.size(), nullptr);
    sum = autograd::sum_groups(tape, all, row_weights_);
  }
  if (number_weights_ == nullptr) return sum;
  Variable* of_numbers =
      autograd::linear(tape, batch.numbers, number_weights_, nullptr, Activation::kNone);
  return sum == nullptr ? of_numbers : autograd::add(tape, sum, of_numbers);
}

}  // namespace cairn::math
