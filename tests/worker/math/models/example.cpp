#include "tests/worker/math/models/example.h"

#include <algorithm>
#include <limits>

#include "common/random.h"

namespace cairn::math {

ModelShape example_shape() {
  ModelShape shape;
  shape.table_dims = {3, 5};
  shape.bags = {{0, Pooling::kSum}, {1, Pooling::kMean}, {0, Pooling::kMean}};
  shape.dense_columns = 2;
  return shape;
}

ModelConfig example_config() {
  ModelConfig config;
  config.cross_layers = 2;
  config.deep_units = {7, 4};
  config.experts = 3;
  config.expert_units = {6};
  config.tower_units = {4};
  config.tasks.resize(2);
  config.tasks[0].name = "click";
  config.tasks[1].name = "stars";
  config.tasks[1].loss = Loss::kMse;
  config.tasks[1].weight = 0.3f;
  return config;
}

ExampleBatch::ExampleBatch(const ModelShape& shape, size_t tasks, size_t samples, uint64_t seed)
    : samples(samples),
      divisor(static_cast<double>(std::max<size_t>(samples, 1))),
      dense_columns_(shape.dense_columns),
      tasks_(tasks) {
  RandomStream random(seed, 77);
  constexpr size_t kUnique = 6;  // few, so that ids repeat
  // Values are small: cross layers multiply them up, and rounding with them.
  for (const uint32_t dim : shape.table_dims)
    for (auto& w : tables.emplace_back(kUnique * dim)) w = 0.4f * random.next_normal();
  for (size_t b = 0; b < shape.bags.size(); ++b) {
    auto& bag = bags.emplace_back(samples);
    for (auto& ids : bag) {
      ids.resize(random.next_below(4));
      // The last row of a table is never named: its gradient must be zero.
      for (uint32_t& id : ids) id = static_cast<uint32_t>(random.next_below(kUnique - 1));
    }
  }
  dense.resize(samples * shape.dense_columns);
  for (float& x : dense) x = 0.5f * random.next_normal();
  labels.resize(samples * tasks);
  for (float& y : labels) y = random.next_below(2) ? 1.0f : 0.0f;
}

ModelInput ExampleBatch::input() {
  offsets_.assign(bags.size(), {0});
  index_.assign(bags.size(), {});
  views_.clear();
  table_views_.assign(tables.begin(), tables.end());
  for (size_t b = 0; b < bags.size(); ++b) {
    for (const auto& ids : bags[b]) {
      index_[b].insert(index_[b].end(), ids.begin(), ids.end());
      offsets_[b].push_back(static_cast<uint32_t>(index_[b].size()));
    }
    views_.push_back({offsets_[b], index_[b]});
  }
  return {samples, dense,   views_, table_views_, labels,
          weights, divisor, step,   first_sample, peers};
}

ExampleBatch ExampleBatch::part(size_t first, size_t count) const {
  ExampleBatch part = *this;
  const auto cut = [&](auto& all, size_t width) {
    all = {all.begin() + static_cast<ptrdiff_t>(first * width),
           all.begin() + static_cast<ptrdiff_t>((first + count) * width)};
  };
  cut(part.dense, dense_columns_);
  cut(part.labels, tasks_);
  if (!weights.empty()) cut(part.weights, tasks_);
  part.first_sample += first;
  for (auto& bag : part.bags) cut(bag, 1);
  part.samples = count;
  return part;
}

ReferenceInput ExampleBatch::reference() const {
  ReferenceInput reference{samples,
                           {dense.begin(), dense.end()},
                           bags,
                           {},
                           {labels.begin(), labels.end()},
                           {weights.begin(), weights.end()},
                           divisor,
                           step,
                           first_sample};
  for (const auto& table : tables) reference.tables.emplace_back(table.begin(), table.end());
  return reference;
}

StepResult run_step(Model& model, ExampleBatch& batch, size_t tasks) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const ModelInput input = batch.input();
  StepResult result;
  result.predictions.assign(batch.samples * tasks, kNan);
  result.losses.assign(tasks, kNan);
  for (const auto& table : batch.tables) result.table_grads.emplace_back(table.size(), kNan);
  result.gradients.assign(model.gradients().size(), 0.0f);
  for (const ParameterInfo& info : model.parameters())
    std::fill_n(result.gradients.begin() + static_cast<ptrdiff_t>(info.offset), info.size, kNan);
  model.memory().write(model.gradients().data(), std::span<const float>(result.gradients));
  const std::vector<std::span<float>> grads(result.table_grads.begin(), result.table_grads.end());
  model.train_step(input, {result.predictions, grads, result.losses});
  model.memory().read(std::span(result.gradients), model.gradients().data());
  return result;
}

}  // namespace cairn::math
