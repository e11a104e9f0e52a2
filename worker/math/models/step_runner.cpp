#include "worker/math/models/step_runner.h"

#include <bit>
#include <numeric>
#include <utility>

#include "worker/math/models/operation_graph.h"
#include "worker/math/ops/cpu/bags.h"

namespace cairn::math {
namespace {

class Nobody final : public GradientSink {
 public:
  void ready(std::span<float>) override {}
};

ModelParts with_buffers(ModelParts parts, uint64_t seed) {
  parts.parameters->allocate(seed);
  return parts;
}

StepGraphs::Shape shape_of(const ModelInput& input) {
  StepGraphs::Shape shape = {input.samples, std::bit_cast<uint64_t>(input.loss_divisor),
                             input.weights.size()};
  for (const ModelInput::Bag& bag : input.bags) shape.push_back(bag.index.size());
  for (const std::span<const float> table : input.tables) shape.push_back(table.size());
  return shape;
}

}  // namespace

StepRunner::StepRunner(const Ops& ops, const ModelShape& shape, ModelParts parts,
                       const StepSettings& settings)
    : ops_(ops),
      shape_(shape),
      parts_(with_buffers(std::move(parts), settings.seed)),
      settings_(settings),
      sizes_(parts_.objective->sizes()),
      exchanges_(parts_.network->exchanges() || parts_.objective->exchanges()),
      arena_(ops.memory()),
      staging_(ops.memory(), shape.table_dims),
      // A step that waits for other workers cannot be kept.
      graphs_(exchanges_ ? nullptr : dynamic_cast<Device*>(&ops.memory())),
      buckets_(*parts_.parameters) {}

void StepRunner::check_input(const ModelInput& input) const {
  check(input.dense.size() == input.samples * shape_.dense_columns,
        "numbers are not [samples, columns]");
  check(input.bags.size() == shape_.bags.size(), "not one bag per feature");
  check(input.tables.size() == shape_.table_dims.size(), "not one span of rows per table");
  for (size_t t = 0; t < input.tables.size(); ++t)
    check(input.tables[t].size() % shape_.table_dims[t] == 0, "a table's rows are cut short");
  // A device's operations cannot look into their bags before they use them.
  if (ops_.memory().is_host()) return;
  for (size_t b = 0; b < input.bags.size(); ++b) {
    const uint32_t t = shape_.bags[b].table;
    cpu::check_bag({input.bags[b].offsets, input.bags[b].index},
                   input.tables[t].size() / shape_.table_dims[t], input.samples);
  }
}

void StepRunner::check_training(const ModelInput& input, const ModelOutput& output) const {
  check(output.predictions.size() == input.samples * sizes_.predictions,
        "predictions are not [samples, tasks]");
  check(input.labels.size() == input.samples * sizes_.labels, "labels are not [samples, tasks]");
  check(output.losses.size() == sizes_.losses, "not one loss per task");
  check(output.table_grads.size() == input.tables.size(), "not one gradient per table");
  for (size_t t = 0; t < input.tables.size(); ++t)
    check(output.table_grads[t].size() == input.tables[t].size(),
          "a table's gradient is cut short");
  check(input.weights.empty() || input.weights.size() == input.samples * sizes_.losses,
        "weights are not [samples, tasks]");
}

// Operations see inputs and outputs by views of one type; those of inputs are only read.
NetworkInput StepRunner::batch(Tape& tape, const ModelInput& input,
                               std::span<const std::span<float>> gradients) const {
  const size_t weights = parts_.network->row_weights();
  const std::span<TableRows> tables = tape.arena().array<TableRows>(input.tables.size());
  for (size_t t = 0; t < tables.size(); ++t) {
    const size_t dim = shape_.table_dims[t], rows = input.tables[t].size() / dim;
    const Matrix values(const_cast<float*>(input.tables[t].data()), rows, dim);
    const auto part = [&](size_t first, size_t count) -> Variable* {
      if (count == 0) return nullptr;
      if (gradients.empty()) return tape.constant(values.columns(first, count));
      return tape.input(values.columns(first, count),
                        Matrix(gradients[t].data(), rows, dim).columns(first, count));
    };
    tables[t] = {part(0, weights), part(weights, dim - weights)};
  }
  const Matrix numbers(const_cast<float*>(input.dense.data()), input.samples, shape_.dense_columns);
  return {input, tape.constant(numbers), tables};
}

template <typename Work>
void StepRunner::infer(const ModelInput& input, std::span<float> results, size_t columns,
                       Work work) {
  check_input(input);
  check(results.size() == input.samples * columns, "results are not [samples, columns]");
  if (input.samples == 0) return;
  arena_.reset();
  const Staging::Step step = staging_.begin(input, results, {}, 0, arena_);
  Tape tape(ops_, arena_, Tape::Mode::kInference, {}, settings_.precision);
  work(tape, batch(tape, step.input, {}), Matrix(step.results.data(), input.samples, columns));
  staging_.finish(step, results, {}, {});
}

void StepRunner::predict(const ModelInput& input, std::span<float> predictions) {
  infer(input, predictions, sizes_.predictions,
        [&](Tape& tape, const NetworkInput& batch, Matrix into) {
          parts_.objective->predict(tape, parts_.network->forward(tape, batch), into);
        });
}

void StepRunner::encode(const ModelInput& input, std::span<float> encodings) {
  infer(input, encodings, encoding_dim(), [&](Tape& tape, const NetworkInput& batch, Matrix into) {
    ops_.copy(parts_.network->encode(tape, batch)->matrix(), {into});
  });
}

// Runs a batch of zeros: each sample has one id per feature, which names the only row of its table.
OperationGraph StepRunner::operations() {
  constexpr size_t kSamples = 7;
  const std::vector<float> dense(kSamples * shape_.dense_columns);
  const std::vector<uint32_t> index(kSamples);
  std::vector<uint32_t> offsets(kSamples + 1);
  std::iota(offsets.begin(), offsets.end(), 0u);
  // Each feature's own, by which the graph knows it.
  const std::vector<std::vector<uint32_t>> own_offsets(shape_.bags.size(), offsets);
  std::vector<ModelInput::Bag> bags;
  for (const std::vector<uint32_t>& own : own_offsets) bags.push_back({own, index});
  std::vector<std::vector<float>> rows;
  for (const uint32_t dim : shape_.table_dims) rows.emplace_back(dim);
  const std::vector<std::span<const float>> tables(rows.begin(), rows.end());

  OperationGraph graph;
  std::vector<float> predictions(kSamples * sizes_.predictions);
  infer({.samples = kSamples, .dense = dense, .bags = bags, .tables = tables}, predictions,
        sizes_.predictions, [&](Tape& tape, const NetworkInput& batch, Matrix into) {
          tape.keep_operations();
          parts_.objective->predict(tape, parts_.network->forward(tape, batch), into);
          graph = graph_of(tape, batch, *parts_.parameters);
        });
  return graph;
}

void StepRunner::train_step(const ModelInput& input, const ModelOutput& output) {
  check_input(input);
  check_training(input, output);

  Nobody nobody;
  GradientSink& sink = output.sink ? *output.sink : nobody;
  arena_.reset();
  const Staging::Step step =
      staging_.begin(input, output.predictions, output.table_grads, sizes_.losses, arena_);
  if (graphs_.keeps())
    graphs_.run(shape_of(step.input), arena_.blocks_made(), sink,
                [&](GradientSink& told) { compute(step, told); });
  else
    compute(step, sink);
  staging_.finish(step, output.predictions, output.table_grads, output.losses);
  for (double& loss : output.losses) loss /= input.loss_divisor;
}

void StepRunner::compute(const Staging::Step& step, GradientSink& sink) {
  const ModelInput& input = step.input;
  const auto l2 =
      static_cast<float>(settings_.l2 * static_cast<double>(input.samples) / input.loss_divisor);
  parts_.parameters->begin_step();
  buckets_.begin_step();
  Tape tape(ops_, arena_, Tape::Mode::kTraining,
            {settings_.seed, input.step, input.first_sample, input.loss_divisor, input.peers,
             step.numbers},
            settings_.precision);
  const NetworkInput batch = this->batch(tape, input, step.table_grads);
  // Other workers may wait for the sums of one that has no samples.
  const bool runs = input.samples > 0 || exchanges_;
  if (runs) {
    parts_.objective->compute_losses(tape, step, parts_.network->forward(tape, batch));
    tape.backward([&](size_t records) { buckets_.tell(records, l2, sink); });
  }
  buckets_.tell_all(l2, sink);
  if (runs) buckets_.learn();
  // Rows that took no part (all of them, where there are no samples) have a gradient too: zero.
  for (const TableRows& table : batch.tables)
    for (Variable* part : {table.weights, table.vectors})
      if (part != nullptr) tape.complete_gradient(part);
}

}  // namespace cairn::math
