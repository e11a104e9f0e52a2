#include "worker/models/dcn.h"

#include <algorithm>
#include <array>

#include "worker/autograd/functions.h"

namespace cairn {
namespace {

bool has_cross_part(const ModelConfig& c) { return c.cross_layers > 0 || c.deep_units.empty(); }

size_t head_columns(const ModelConfig& config, size_t x0, size_t deep) {
  if (config.structure == Structure::kStacked) return deep;
  if (config.deep_units.empty()) return x0;
  return deep + (has_cross_part(config) ? x0 : 0);
}

// Rows that are only read: the operations' views of inputs and outputs are of one type.
Matrix read_only(std::span<const float> data, size_t rows, size_t cols) {
  return {const_cast<float*>(data.data()), rows, cols};
}

}  // namespace

DcnModel::DcnModel(const ModelConfig& config, const ModelShape& shape, uint64_t seed,
                   const Ops& ops)
    : config_(config),
      shape_(shape),
      ops_(ops),
      cross_(parameters_, "cross", input_columns(), config.cross_layers),
      deep_(parameters_, "deep", input_columns(), config.deep_units, config.activation),
      heads_(parameters_, config, head_columns(config, input_columns(), deep_.out())) {
  parameters_.allocate(seed);
}

size_t DcnModel::input_columns() const {
  size_t columns = shape_.dense_columns;
  for (const ModelShape::BagFeature& bag : shape_.bags) columns += shape_.table_dims[bag.table];
  return columns;
}

void DcnModel::check_input(const ModelInput& input) const {
  check(input.dense.size() == input.rows * shape_.dense_columns, "numbers are not [rows, columns]");
  check(input.bags.size() == shape_.bags.size(), "not one bag a feature");
  check(input.tables.size() == shape_.table_dims.size(), "not one span of rows a table");
  for (size_t t = 0; t < input.tables.size(); ++t)
    check(input.tables[t].size() % shape_.table_dims[t] == 0, "a table's rows are cut short");
}

std::span<Variable*> DcnModel::tables_of(Tape& tape, const ModelInput& input,
                                         std::span<const std::span<float>> gradients) const {
  const std::span<Variable*> tables = tape.arena().array<Variable*>(input.tables.size());
  for (size_t t = 0; t < tables.size(); ++t) {
    const size_t dim = shape_.table_dims[t], rows = input.tables[t].size() / dim;
    const Matrix values = read_only(input.tables[t], rows, dim);
    tables[t] = gradients.empty() ? tape.constant(values)
                                  : tape.input(values, {gradients[t].data(), rows, dim});
  }
  return tables;
}

Variable* DcnModel::features(Tape& tape, const ModelInput& input,
                             std::span<Variable* const> tables) const {
  const size_t count = shape_.bags.size();
  const std::span<BagView> bags = tape.arena().array<BagView>(count);
  const std::span<Variable*> table_of_bag = tape.arena().array<Variable*>(count);
  for (size_t b = 0; b < count; ++b) {
    bags[b] = {input.bags[b].offsets, input.bags[b].index, shape_.bags[b].pooling};
    table_of_bag[b] = tables[shape_.bags[b].table];
  }
  return autograd::pooled_features(tape, input.rows, bags, table_of_bag,
                                   read_only(input.dense, input.rows, shape_.dense_columns));
}

std::span<Variable*> DcnModel::forward(Tape& tape, const ModelInput& input,
                                       std::span<Variable* const> tables) const {
  Variable* x0 = features(tape, input, tables);
  Variable* shared;
  if (config_.structure == Structure::kStacked) {
    shared = deep_.forward(tape, cross_.forward(tape, x0));
  } else {
    std::array<Variable*, 2> parts;
    size_t count = 0;
    if (has_cross_part(config_)) parts[count++] = cross_.forward(tape, x0);
    if (!config_.deep_units.empty()) parts[count++] = deep_.forward(tape, x0);
    shared = autograd::concat(tape, std::span(parts).first(count));
  }
  const std::span<Variable*> logits = tape.arena().array<Variable*>(config_.tasks.size());
  heads_.forward(tape, shared, logits);
  return logits;
}

void DcnModel::predict(const ModelInput& input, std::span<float> predictions) {
  const size_t tasks = config_.tasks.size();
  check_input(input);
  check(predictions.size() == input.rows * tasks, "predictions are not [rows, tasks]");
  if (input.rows == 0) return;

  arena_.reset();
  Tape tape(ops_, arena_, Tape::Mode::kInference);
  const std::span<Variable*> logits = forward(tape, input, tables_of(tape, input, {}));
  const Matrix all(predictions.data(), input.rows, tasks);
  for (size_t t = 0; t < tasks; ++t) {
    if (config_.tasks[t].loss == Loss::kBce) {
      ops_.sigmoid(logits[t]->matrix(), all.columns(t, 1));
    } else {
      ops_.copy(logits[t]->matrix(), {all.columns(t, 1)});
    }
  }
}

void DcnModel::train_step(const ModelInput& input, const ModelOutput& output) {
  const size_t tasks = config_.tasks.size();
  check_input(input);
  check(output.predictions.size() == input.rows * tasks, "predictions are not [rows, tasks]");
  check(input.labels.size() == input.rows * tasks, "labels are not [rows, tasks]");
  check(output.losses.size() == tasks, "not one loss a task");
  check(output.table_grads.size() == input.tables.size(), "not one gradient a table");
  for (size_t t = 0; t < input.tables.size(); ++t)
    check(output.table_grads[t].size() == input.tables[t].size(),
          "a table's gradient is cut short");

  parameters_.begin_step();
  arena_.reset();
  Tape tape(ops_, arena_, Tape::Mode::kTraining);
  const std::span<Variable*> tables = tables_of(tape, input, output.table_grads);
  std::ranges::fill(output.losses, 0.0);
  if (input.rows > 0) {
    const std::span<Variable*> logits = forward(tape, input, tables);
    const ConstMatrix labels = read_only(input.labels, input.rows, tasks);
    const Matrix predictions(output.predictions.data(), input.rows, tasks);
    for (size_t t = 0; t < tasks; ++t) {
      const TaskConfig& task = config_.tasks[t];
      const auto scale = static_cast<float>(task.weight / input.loss_divisor);
      output.losses[t] = autograd::loss(tape, task.loss, logits[t], labels.columns(t, 1), scale,
                                        predictions.columns(t, 1)) /
                         input.loss_divisor;
    }
    tape.backward();
  }
  // What took no part (all of it, where there are no rows) has a gradient too: zero.
  for (Variable* table : tables) tape.complete_gradient(table);
  parameters_.end_step();
}

}  // namespace cairn
