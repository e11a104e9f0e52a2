#include "worker/math/models/recommender.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "worker/math/autograd/functions.h"
#include "worker/math/autograd/interactions.h"
#include "worker/math/autograd/losses.h"
#include "worker/math/ops/cpu/bags.h"

namespace cairn {
namespace {

// Rows that are only read: the operations' views of inputs and outputs are of one type.
Matrix read_only(std::span<const float> data, size_t rows, size_t cols) {
  return {const_cast<float*>(data.data()), rows, cols};
}

// A product of other tasks has no logit of its own.
std::vector<std::string> tasks_with_logits(const ModelConfig& config) {
  std::vector<std::string> names;
  for (const TaskConfig& task : config.tasks)
    if (task.product.empty()) names.push_back(task.name);
  return names;
}

std::vector<std::vector<size_t>> factors_of(const ModelConfig& config) {
  std::vector<std::vector<size_t>> all;
  for (const TaskConfig& task : config.tasks) {
    std::vector<size_t>& factors = all.emplace_back();
    for (const std::string& name : task.product)
      for (size_t t = 0; t < config.tasks.size(); ++t)
        if (config.tasks[t].name == name) factors.push_back(t);
  }
  return all;
}

}  // namespace

Recommender::Recommender(const ModelConfig& config, const ModelShape& shape, uint64_t seed,
                         const Ops& ops, Precision precision)
    : config_(config),
      shape_(shape),
      ops_(ops),
      seed_(seed),
      precision_(precision),
      exchanges_(config.normalization == Normalization::kBatch ||
                 std::ranges::count(config.tasks, Loss::kPairwise, &TaskConfig::loss) > 0),
      arena_(ops.memory()),
      staging_(ops.memory(), shape.table_dims),
      // What waits for other workers cannot be kept.
      graphs_(exchanges_ ? nullptr : dynamic_cast<Device*>(&ops.memory())),
      parameters_(ops),
      inputs_(parameters_, config, shape, config.wide ? tasks_with_logits(config).size() : 0),
      interaction_(nn::make_interaction(parameters_, config, inputs_.shape())),
      deep_(parameters_, "deep",
            config.structure == Structure::kStacked && interaction_ ? interaction_->out()
                                                                    : inputs_.shape().columns,
            config.deep_units, nn::HiddenLayer(config)) {
  if (const size_t columns = shared_columns(); columns > 0)
    heads_.emplace(parameters_, config, tasks_with_logits(config), columns);
  else
    bias_ =
        parameters_.add("bias", {static_cast<uint32_t>(tasks_with_logits(config).size())}, 0.0f);
  if (config.task_weights == TaskWeights::kUncertainty)
    log_variances_ =
        parameters_.add_constant("uncertainty", {static_cast<uint32_t>(config.tasks.size())}, 0.0f);
  factors_ = factors_of(config);
  for (size_t t = 0; t < factors_.size(); ++t)
    if (factors_[t].empty()) own_.push_back(t);
  parameters_.allocate(seed);
  make_buckets();
}

// Large enough that an all-reduce of one is worth its start, small enough that the first can begin
// early.
void Recommender::make_buckets() {
  constexpr size_t kFloats = size_t{1} << 20;
  const std::vector<ParameterInfo>& infos = parameters_.infos();
  size_t last = infos.size(), end = parameters_.gradients().size();
  for (size_t i = infos.size(); i-- > 0;) {
    if (i > 0 && end - infos[i].offset < kFloats) continue;
    const size_t begin = i == 0 ? 0 : infos[i].offset;
    buckets_.push_back({i, last, SIZE_MAX, parameters_.gradients().subspan(begin, end - begin)});
    last = i;
    end = begin;
  }
}

bool Recommender::second_order() const {
  return config_.interaction == Interaction::kFm && config_.structure == Structure::kParallel;
}

size_t Recommender::shared_columns() const {
  if (config_.structure == Structure::kStacked) return deep_.out();
  const bool deep = !config_.deep_units.empty(), crossed = interaction_ && !second_order();
  if (!deep && !crossed) return config_.wide || second_order() ? 0 : inputs_.shape().columns;
  return (crossed ? interaction_->out() : 0) + (deep ? deep_.out() : 0);
}

void Recommender::check_input(const ModelInput& input) const {
  check(input.dense.size() == input.rows * shape_.dense_columns, "numbers are not [rows, columns]");
  check(input.bags.size() == shape_.bags.size(), "not one bag per feature");
  check(input.tables.size() == shape_.table_dims.size(), "not one span of rows per table");
  for (size_t t = 0; t < input.tables.size(); ++t)
    check(input.tables[t].size() % shape_.table_dims[t] == 0, "a table's rows are cut short");
  // A device's operations cannot look into their bags before they use them.
  if (ops_.memory().is_host()) return;
  for (size_t b = 0; b < input.bags.size(); ++b) {
    const uint32_t t = shape_.bags[b].table;
    cpu::check_bag({input.bags[b].offsets, input.bags[b].index},
                   input.tables[t].size() / shape_.table_dims[t], input.rows);
  }
}

Variable* Recommender::shared(Tape& tape, Variable* x0, Variable* interacted) const {
  if (config_.structure == Structure::kStacked)
    return deep_.forward(tape, interacted ? interacted : x0);
  std::array<Variable*, 2> parts;
  size_t count = 0;
  if (interacted != nullptr && !second_order()) parts[count++] = interacted;
  if (!config_.deep_units.empty()) parts[count++] = deep_.forward(tape, x0);
  return count == 0 ? x0 : autograd::concat(tape, std::span(parts).first(count));
}

std::span<Variable*> Recommender::forward(Tape& tape, const ModelInput& input,
                                          std::span<const Inputs::TableRows> tables) const {
  const std::span<Variable*> logits = tape.arena().array<Variable*>(own_.size());
  const nn::Features features = inputs_.features(tape, input, tables);
  Variable* interacted = interaction_ ? interaction_->forward(tape, features) : nullptr;
  if (heads_) {
    heads_->forward(tape, shared(tape, features.x0, interacted), logits);
  } else {
    Variable* biases = autograd::every_row(tape, input.rows, bias_);
    for (size_t t = 0; t < own_.size(); ++t) logits[t] = autograd::columns(tape, biases, t, 1);
  }
  Variable* wide = inputs_.wide(tape, input, tables);
  Variable* second = second_order() ? autograd::sum_groups(tape, interacted, 1) : nullptr;
  for (size_t t = 0; t < own_.size(); ++t) {
    if (wide) logits[t] = autograd::add(tape, logits[t], autograd::columns(tape, wide, t, 1));
    if (second) logits[t] = autograd::add(tape, logits[t], second);
  }
  const std::span<Variable*> all = tape.arena().array<Variable*>(config_.tasks.size());
  for (size_t t = 0; t < own_.size(); ++t) all[own_[t]] = logits[t];
  return all;
}

std::span<Variable* const> Recommender::factors(Tape& tape, size_t t,
                                                std::span<Variable* const> logits) const {
  const std::span<Variable*> factors = tape.arena().array<Variable*>(factors_[t].size());
  for (size_t i = 0; i < factors.size(); ++i) factors[i] = logits[factors_[t][i]];
  return factors;
}

void Recommender::predict(const ModelInput& input, std::span<float> predictions) {
  const size_t tasks = config_.tasks.size();
  check_input(input);
  check(predictions.size() == input.rows * tasks, "predictions are not [rows, tasks]");
  if (input.rows == 0) return;

  arena_.reset();
  const Staging::Step step = staging_.begin(input, predictions, {}, 0, arena_);
  Tape tape(ops_, arena_, Tape::Mode::kInference, {}, precision_);
  const std::span<Variable*> logits =
      forward(tape, step.input, inputs_.tables(tape, step.input, {}));
  const Matrix all(step.predictions.data(), input.rows, tasks);
  for (size_t t = 0; t < tasks; ++t) {
    if (!factors_[t].empty()) {
      const std::span<ConstMatrix> values = arena_.array<ConstMatrix>(factors_[t].size());
      for (size_t i = 0; i < values.size(); ++i) values[i] = logits[factors_[t][i]]->matrix();
      ops_.product_of_sigmoids(values, all.columns(t, 1));
    } else if (is_binary(config_.tasks[t].loss)) {
      ops_.sigmoid(logits[t]->matrix(), all.columns(t, 1));
    } else {
      ops_.copy(logits[t]->matrix(), {all.columns(t, 1)});
    }
  }
  staging_.finish(step, predictions, {}, {});
}

void Recommender::train_step(const ModelInput& input, const ModelOutput& output) {
  const size_t tasks = config_.tasks.size();
  check_input(input);
  check(output.predictions.size() == input.rows * tasks, "predictions are not [rows, tasks]");
  check(input.labels.size() == input.rows * tasks, "labels are not [rows, tasks]");
  check(output.losses.size() == tasks, "not one loss per task");
  check(output.table_grads.size() == input.tables.size(), "not one gradient per table");
  for (size_t t = 0; t < input.tables.size(); ++t)
    check(output.table_grads[t].size() == input.tables[t].size(),
          "a table's gradient is cut short");

  check(input.weights.empty() || input.weights.size() == input.rows * tasks,
        "weights are not [rows, tasks]");

  struct Nobody final : GradientSink {
    void ready(std::span<float>) override {}
  } nobody;
  arena_.reset();
  const Staging::Step step =
      staging_.begin(input, output.predictions, output.table_grads, tasks, arena_);
  GradientSink& sink = output.sink ? *output.sink : nobody;
  if (graphs_.keeps())
    graphs_.run(shape_of(step.input), arena_.blocks_made(), sink,
                [&](GradientSink& told) { compute(step, told); });
  else
    compute(step, sink);
  staging_.finish(step, output.predictions, output.table_grads, output.losses);
  for (double& loss : output.losses) loss /= input.loss_divisor;
}

StepGraphs::Shape Recommender::shape_of(const ModelInput& input) const {
  StepGraphs::Shape shape = {input.rows, std::bit_cast<uint64_t>(input.loss_divisor),
                             input.weights.size()};
  for (const ModelInput::Bag& bag : input.bags) shape.push_back(bag.index.size());
  for (const std::span<const float> table : input.tables) shape.push_back(table.size());
  return shape;
}

void Recommender::compute(const Staging::Step& step, GradientSink& sink) {
  const ModelInput& input = step.input;
  const auto l2 =
      static_cast<float>(config_.l2 * static_cast<double>(input.rows) / input.loss_divisor);
  parameters_.begin_step();
  Tape tape(ops_, arena_, Tape::Mode::kTraining,
            {seed_, input.step, input.first_sample, input.loss_divisor, input.peers, step.numbers},
            precision_);
  const std::span<Inputs::TableRows> tables = inputs_.tables(tape, input, step.table_grads);
  size_t told = 0;
  const auto tell = [&](size_t records) {
    for (; told < buckets_.size() && records >= buckets_[told].ready_after; ++told) {
      parameters_.end_step(l2, buckets_[told].first, buckets_[told].last);
      sink.ready(buckets_[told].gradients);
    }
  };
  if (input.rows > 0 || exchanges_) {
    lose(tape, step, forward(tape, input, tables));
    // A model's records are the same in every step: the first one shows when each bucket is ready.
    tape.backward(tell);
  }
  tell(SIZE_MAX);
  if (input.rows > 0 || exchanges_)
    for (Bucket& bucket : buckets_)
      bucket.ready_after = parameters_.last_part(bucket.first, bucket.last);
  // What took no part (all of it, where there are no rows) has a gradient too: zero.
  for (const Inputs::TableRows& table : tables)
    for (Variable* part : {table.weights, table.vectors})
      if (part != nullptr) tape.complete_gradient(part);
}

double Recommender::scale_of(size_t t) const {
  const TaskConfig& task = config_.tasks[t];
  return task.weight * (log_variances_ != nullptr && !is_binary(task.loss) ? 0.5 : 1.0);
}

void Recommender::lose(Tape& tape, const Staging::Step& step, std::span<Variable* const> logits) {
  const size_t tasks = config_.tasks.size();
  const ModelInput& input = step.input;
  const ConstMatrix labels = read_only(input.labels, input.rows, tasks);
  const ConstMatrix weights = read_only(input.weights, input.rows, tasks);
  const Matrix predictions(step.predictions.data(), input.rows, tasks);
  Matrix dvariances, precisions;
  if (log_variances_ != nullptr) {
    dvariances = tape.complete_gradient(log_variances_);
    precisions = arena_.matrix(1, tasks);
    ops_.uncertainty_forward(log_variances_->matrix(), precisions);
  }
  for (size_t t = 0; t < tasks; ++t) {
    const double scale = scale_of(t) / input.loss_divisor;
    const LossTarget target = {.labels = labels.columns(t, 1),
                               .weights = weights.empty() ? ConstMatrix() : weights.columns(t, 1),
                               .scale = static_cast<float>(scale),
                               .factor = precisions.empty() ? nullptr : precisions.data + t};
    const Matrix predicted = predictions.columns(t, 1);
    if (factors_[t].empty())
      autograd::loss(tape, config_.tasks[t], logits[t], target, predicted, step.sums + t);
    else
      autograd::loss_of_product(tape, factors(tape, t, logits), target, predicted, step.sums + t);
    // Each worker adds its rows' part of the term s / 2.
    if (log_variances_ != nullptr && config_.tasks[t].weight > 0.0f)
      ops_.uncertainty_backward(
          {.precision = precisions.columns(t, 1),
           .sum = step.sums + t,
           .scale = scale,
           .share = 0.5 * static_cast<double>(input.rows) / input.loss_divisor},
          dvariances.columns(t, 1));
  }
}

}  // namespace cairn
