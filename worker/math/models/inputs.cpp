#include "worker/math/models/inputs.h"

#include "worker/math/autograd/functions.h"
#include "worker/math/autograd/interactions.h"

namespace cairn {
namespace {

// Rows that are only read: the operations' views of inputs and outputs are of one type.
Matrix read_only(std::span<const float> data, size_t rows, size_t cols) {
  return {const_cast<float*>(data.data()), rows, cols};
}

}  // namespace

Inputs::Inputs(nn::Parameters& parameters, const ModelConfig& config, const ModelShape& shape,
               size_t weights)
    : shape_(shape), weights_(weights) {
  features_.numbers = features_.columns = shape.dense_columns;
  for (size_t b = 0; b < shape.bags.size(); ++b) {
    const size_t dim = vector_dim(b);
    if (dim == 0) continue;
    features_.dim = features_.fields == 0 || features_.dim == dim ? dim : 0;
    ++features_.fields;
    features_.columns += dim;
  }
  if (weights > 0 && shape.dense_columns > 0)
    number_weights_ =
        parameters.add("wide.numbers", {static_cast<uint32_t>(weights), shape.dense_columns},
                       nn::glorot_limit(shape.dense_columns, weights));
  attentions_.resize(shape.bags.size());
  for (size_t b = 0; b < shape.bags.size(); ++b)
    if (shape.bags[b].pooling == Pooling::kAttention)
      attentions_[b].emplace(parameters, "attention." + std::to_string(b), config, vector_dim(b));
}

std::span<Inputs::TableRows> Inputs::tables(Tape& tape, const ModelInput& input,
                                            std::span<const std::span<float>> gradients) const {
  const std::span<TableRows> tables = tape.arena().array<TableRows>(input.tables.size());
  for (size_t t = 0; t < tables.size(); ++t) {
    const size_t dim = shape_.table_dims[t], rows = input.tables[t].size() / dim;
    const Matrix values = read_only(input.tables[t], rows, dim);
    const auto part = [&](size_t first, size_t count) -> Variable* {
      if (count == 0) return nullptr;
      if (gradients.empty()) return tape.constant(values.columns(first, count));
      return tape.input(values.columns(first, count),
                        Matrix(gradients[t].data(), rows, dim).columns(first, count));
    };
    tables[t] = {part(0, weights_), part(weights_, dim - weights_)};
  }
  return tables;
}

Variable* Inputs::pooled(Tape& tape, const ModelInput& input, std::span<const TableRows> tables,
                         Variable* TableRows::*part, size_t first, size_t last,
                         ConstMatrix numbers) const {
  const std::span<BagView> bags = tape.arena().array<BagView>(last - first);
  const std::span<Variable*> rows = tape.arena().array<Variable*>(last - first);
  size_t count = 0;
  for (size_t b = first; b < last; ++b) {
    Variable* table = tables[shape_.bags[b].table].*part;
    if (table == nullptr) continue;
    const Pooling pooling = shape_.bags[b].pooling;
    bags[count] = {input.bags[b].offsets, input.bags[b].index,
                   pooling == Pooling::kAttention ? Pooling::kSum : pooling};
    rows[count++] = table;
  }
  return autograd::pooled_features(tape, input.rows, bags.first(count), rows.first(count), numbers);
}

nn::Features Inputs::features(Tape& tape, const ModelInput& input,
                              std::span<const TableRows> tables) const {
  const Matrix numbers = read_only(input.dense, input.rows, shape_.dense_columns);
  const auto between = [&](size_t first, size_t last, ConstMatrix beside) {
    return pooled(tape, input, tables, &TableRows::vectors, first, last, beside);
  };
  // What stands between features with attention is pooled at once.
  const std::span<Variable*> parts = tape.arena().array<Variable*>(2 * shape_.bags.size() + 1);
  size_t count = 0, first = 0;
  for (size_t b = 0; b < shape_.bags.size(); ++b) {
    if (!attentions_[b]) continue;
    if (first < b) parts[count++] = between(first, b, {});
    parts[count++] = attended(tape, input, tables, b);
    first = b + 1;
  }
  if (count == 0 || first < shape_.bags.size() || numbers.cols > 0)
    parts[count++] = between(first, shape_.bags.size(), numbers);
  return {autograd::concat(tape, parts.first(count)), tape.constant(numbers)};
}

Variable* Inputs::attended(Tape& tape, const ModelInput& input, std::span<const TableRows> tables,
                           size_t bag) const {
  const uint32_t target = shape_.bags[bag].target;
  return attentions_[bag]->forward(
      tape, {input.bags[bag].offsets, input.bags[bag].index, Pooling::kAttention},
      tables[shape_.bags[bag].table].vectors,
      pooled(tape, input, tables, &TableRows::vectors, target, target + 1, {}));
}

Variable* Inputs::wide(Tape& tape, const ModelInput& input,
                       std::span<const TableRows> tables) const {
  if (weights_ == 0) return nullptr;
  Variable* sum = nullptr;
  if (!shape_.bags.empty()) {
    Variable* all = pooled(tape, input, tables, &TableRows::weights, 0, shape_.bags.size(), {});
    sum = autograd::sum_groups(tape, all, weights_);
  }
  if (number_weights_ == nullptr) return sum;
  Variable* numbers = tape.constant(read_only(input.dense, input.rows, shape_.dense_columns));
  Variable* of_numbers =
      autograd::linear(tape, numbers, number_weights_, nullptr, Activation::kNone);
  return sum == nullptr ? of_numbers : autograd::add(tape, sum, of_numbers);
}

}  // namespace cairn
