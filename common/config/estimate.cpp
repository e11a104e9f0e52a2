#include "common/config/estimate.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/config/row_optimizers.h"

namespace cairn {
namespace {

constexpr uint64_t kRowOverheadBytes = 44;  // key, count, last step, lsn and what the index needs

uint64_t state_floats(const TableConfig& table) {
  const RowOptimizerFacts* optimizer = find_row_optimizer(table.optimizer.name);
  return optimizer == nullptr ? 0 : optimizer->state_floats(table.dim);
}

// Counts the weights of layers on top of each other.
struct Layers {
  uint64_t weights = 0, biases = 0;

  // A dense layer. Returns its width.
  uint64_t dense(uint64_t in, uint64_t out, uint64_t copies = 1) {
    weights += copies * in * out;
    biases += copies * out;
    return out;
  }
  uint64_t tower(uint64_t in, const std::vector<uint32_t>& units, uint64_t copies = 1) {
    for (const uint32_t out : units) in = dense(in, out, copies);
    return in;
  }
};

// One input of a sample, as the layers see it.
struct Input {
  uint64_t width = 0, numbers = 0, fields = 0, dim = 0;
  uint64_t tasks = 0;              // that have a tower
  std::vector<uint64_t> attended;  // vectors of features pooled by attention: their dims
};

Input input_of(const JobConfig& job) {
  Input input;
  for (const TaskConfig& task : job.model.tasks) input.tasks += task.product.empty() ? 1 : 0;
  for (const FeatureConfig& feature : job.features) {
    if (!feature.is_id()) ++input.numbers;
    for (const TableConfig& table : job.tables) {
      if (!feature.is_id() || table.name != feature.table) continue;
      input.dim = table.dim - std::min<uint64_t>(table.dim, job.model.wide ? input.tasks : 0);
      input.fields += input.dim > 0 ? 1 : 0;
      input.width += input.dim;
      if (feature.pooling == Pooling::kAttention) input.attended.push_back(input.dim);
    }
  }
  input.width += input.numbers;
  return input;
}

// Returns the width of the interaction's result; 0: there is none.
uint64_t count_interaction(const ModelConfig& model, const Input& in, Layers& layers) {
  if (model.interaction == Interaction::kFm) {
    layers.weights += in.numbers * in.dim;
    return in.dim;
  }
  if (model.interaction == Interaction::kDot) {
    const uint64_t bottom = in.numbers > 0 ? 1 : 0, vectors = in.fields + bottom;
    if (bottom > 0) layers.dense(layers.tower(in.numbers, model.bottom_units), in.dim);
    return bottom * in.dim + vectors * (vectors - std::min<uint64_t>(vectors, 1)) / 2;
  }
  if (model.interaction == Interaction::kNone || model.cross_layers == 0) return 0;
  const uint64_t d = in.width, rank = model.cross_rank, experts = model.cross_experts;
  for (uint32_t i = 0; i < model.cross_layers; ++i) {
    layers.biases += d;
    if (model.cross_type == CrossType::kVector) layers.weights += d;
    if (model.cross_type == CrossType::kFull) layers.weights += d * d;
    if (model.cross_type == CrossType::kLowRank) layers.weights += 2 * d * rank;
    if (model.cross_type == CrossType::kMixture)
      layers.weights += experts * (2 * d * rank + rank * rank + d);
  }
  return d;
}

// Returns the width of the input of a task's tower.
uint64_t count_head(const ModelConfig& model, uint64_t width, uint64_t tasks, Layers& layers) {
  if (model.head == Head::kSharedBottom) return layers.tower(width, model.expert_units);
  if (model.head == Head::kMmoe) {
    layers.dense(width, model.experts, tasks);  // gates
    return layers.tower(width, model.expert_units, model.experts);
  }
  const uint64_t all = tasks * model.task_experts + model.experts;
  for (uint32_t level = 0; level < model.levels; ++level) {
    layers.dense(width, model.task_experts + model.experts, tasks);  // gates
    if (level + 1 < model.levels) layers.dense(width, all);
    width = layers.tower(width, model.expert_units, all);
  }
  return width;
}

Layers count_layers(const ModelConfig& model, const Input& in) {
  Layers layers;
  if (model.wide) layers.weights += in.tasks * in.numbers;
  for (const uint64_t dim : in.attended)  // of a row with one id
    layers.dense(layers.tower(4 * dim, model.attention_units), 1);
  const bool stacked = model.structure == Structure::kStacked;
  const bool second_order = model.interaction == Interaction::kFm && !stacked;
  const uint64_t interacted = count_interaction(model, in, layers);
  const uint64_t deep =
      layers.tower(stacked && interacted > 0 ? interacted : in.width, model.deep_units);
  uint64_t width = deep;
  if (!stacked) {
    const uint64_t beside = second_order ? 0 : interacted;
    width = beside + (model.deep_units.empty() ? 0 : deep);
    if (width == 0 && (model.wide || second_order)) {  // no head
      layers.biases += in.tasks;
      return layers;
    }
    if (width == 0) width = in.width;
  }
  width = count_head(model, width, in.tasks, layers);
  width = layers.tower(width, model.tower_units, in.tasks);
  layers.dense(width, 1, in.tasks);
  return layers;
}

std::string human(double value, double base, std::string_view unit) {
  constexpr std::string_view kPrefixes[] = {"", "K", "M", "G", "T", "P"};
  size_t power = 0;
  while (value >= base && power + 1 < std::size(kPrefixes)) {
    value /= base;
    ++power;
  }
  const std::string_view infix = base == 1024.0 && power > 0 ? "i" : "";
  return fmt::format("{:.{}f} {}{}{}", value, power == 0 ? 0 : 1, kPrefixes[power], infix, unit);
}

std::string bytes(uint64_t value) { return human(static_cast<double>(value), 1024.0, "B"); }

}  // namespace

JobEstimate estimate(const JobConfig& job, uint64_t memory_bytes) {
  JobEstimate out;
  out.servers = job.ps.servers;
  out.workers = job.train.workers;
  out.shards = job.shards();
  for (const TableConfig& table : job.tables)
    out.tables.push_back({table.name, table.dim,
                          kRowOverheadBytes + size_of(table.dtype) * table.dim +
                              4 * (state_floats(table) + (table.expiry.age_steps > 0 ? 1 : 0))});
  out.hot_bytes = job.ps.hot_bytes > 0 ? job.ps.hot_bytes : memory_bytes / 4 / out.shards;
  out.hot_bytes_all = out.hot_bytes * out.shards;
  if (job.ps.durability != Durability::kCheckpoint)
    out.log_bytes_all = job.ps.log_bytes_max * out.shards;

  const Input input = input_of(job);
  out.input_width = input.width;
  const Layers layers = count_layers(job.model, input);
  out.dense_parameters = layers.weights + layers.biases;
  // A product costs two operations a weight, and again twice that on the way back.
  out.flops_per_sample = 6.0 * static_cast<double>(layers.weights);
  const std::string& optimizer = job.train.optimizer.name;
  const uint64_t copies = optimizer == "sgd"                            ? 2
                          : optimizer == "adam"                         ? 4
                          : optimizer == "adamw" || optimizer == "lamb" ? 5
                                                                        : 3;
  out.dense_bytes_per_worker = 4 * copies * out.dense_parameters;
  out.dense_bytes_all = out.dense_bytes_per_worker * out.workers;
  out.memory_bytes = memory_bytes;
  out.checkpoints = uint64_t{job.checkpoint.keep} + (job.eval.monitor.empty() ? 0 : 1);
  return out;
}

std::string JobEstimate::text() const {
  std::string out;
  out += fmt::format("starts    {} server process{} with {} shard{} in all, {} worker{}\n", servers,
                     servers == 1 ? "" : "es", shards, shards == 1 ? "" : "s", workers,
                     workers == 1 ? "" : "s");
  out +=
      fmt::format("memory    {} of rows per shard, {} in all; {} of dense parameters per worker\n",
                  bytes(hot_bytes), bytes(hot_bytes_all), bytes(dense_bytes_per_worker));
  if (dense_bytes_all > memory_bytes)
    out += fmt::format(
        "warning   dense parameters of {} worker{} need {}, this host has {}: make the model "
        "smaller, or spread the workers over hosts\n",
        workers, workers == 1 ? "" : "s", bytes(dense_bytes_all), bytes(memory_bytes));
  uint64_t million_rows = 0;
  for (const TableEstimate& table : tables) million_rows += table.row_bytes * 1'000'000;
  out += fmt::format(
      "disk      push logs up to {}; live store and each of {} checkpoint{}: the rows of all "
      "tables\n",
      bytes(log_bytes_all), checkpoints, checkpoints == 1 ? "" : "s");
  out += fmt::format("model     {} inputs, {} dense parameters, {} a sample\n", input_width,
                     human(static_cast<double>(dense_parameters), 1000.0, ""),
                     human(flops_per_sample, 1000.0, "FLOP"));
  if (tables.empty()) return out;
  out += fmt::format("tables    {}; rows are known once they are trained\n", tables.size());
  size_t width = 0;
  for (const TableEstimate& table : tables) width = std::max(width, table.name.size());
  for (const TableEstimate& table : tables)
    out +=
        fmt::format("          {:<{}}  dim {:>4}  {:>6} B a row  {} a million rows\n", table.name,
                    width, table.dim, table.row_bytes, bytes(table.row_bytes * 1'000'000));
  if (tables.size() > 1)
    out += fmt::format("          a million rows in each: {}\n", bytes(million_rows));
  return out;
}

}  // namespace cairn
