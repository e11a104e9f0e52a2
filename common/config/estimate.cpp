#include "common/config/estimate.h"

#include <fmt/format.h>

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

uint64_t input_width(const JobConfig& job) {
  uint64_t width = 0;
  for (const FeatureConfig& feature : job.features) {
    if (!feature.is_id()) ++width;
    for (const TableConfig& table : job.tables)
      if (feature.is_id() && table.name == feature.table) width += table.dim;
  }
  return width;
}

Layers count_layers(const ModelConfig& model, uint64_t input) {
  Layers layers;
  for (uint32_t i = 0; i < model.cross_layers; ++i) layers.dense(input, input);
  const uint64_t deep = layers.tower(input, model.deep_units);
  const bool beside = model.structure == Structure::kParallel && model.cross_layers > 0 &&
                      !model.deep_units.empty();
  uint64_t width = beside ? input + deep : deep;
  const uint64_t tasks = model.tasks.size();
  if (model.head == Head::kMmoe) {
    layers.dense(width, model.experts, tasks);  // gates
    width = layers.tower(width, model.expert_units, model.experts);
  } else {
    width = layers.tower(width, model.expert_units);
  }
  width = layers.tower(width, model.tower_units, tasks);
  layers.dense(width, 1, tasks);
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

  out.input_width = input_width(job);
  const Layers layers = count_layers(job.model, out.input_width);
  out.dense_parameters = layers.weights + layers.biases;
  // A product costs two operations a weight, and again twice that on the way back.
  out.flops_per_sample = 6.0 * static_cast<double>(layers.weights);
  const uint64_t copies = job.train.optimizer.name == "adam" ? 4 : 2;
  out.dense_bytes_a_worker = 4 * copies * out.dense_parameters;
  out.dense_bytes_all = out.dense_bytes_a_worker * out.workers;
  out.memory_bytes = memory_bytes;
  out.checkpoints = uint64_t{job.checkpoint.keep} + (job.eval.monitor.empty() ? 0 : 1);
  return out;
}

std::string JobEstimate::text() const {
  std::string out;
  out += fmt::format("starts    {} server process{} with {} shard{} in all, {} worker{}\n", servers,
                     servers == 1 ? "" : "es", shards, shards == 1 ? "" : "s", workers,
                     workers == 1 ? "" : "s");
  out += fmt::format("memory    {} of rows a shard, {} in all; {} of dense parameters a worker\n",
                     bytes(hot_bytes), bytes(hot_bytes_all), bytes(dense_bytes_a_worker));
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
