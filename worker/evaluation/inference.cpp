#include "worker/evaluation/inference.h"

#include <fmt/format.h>

#include <utility>

#include "worker/collective/agreement.h"
#include "worker/data/prefetching_source.h"
#include "worker/math/tensor/row_buffers.h"
#include "worker/version/batch_input.h"

namespace cairn::evaluation {
namespace {

constexpr size_t kBatchesReady = 2;

std::vector<uint32_t> tables_of_bags(const math::ModelShape& shape) {
  std::vector<uint32_t> tables;
  for (const math::ModelShape::BagFeature& bag : shape.bags) tables.push_back(bag.table);
  return tables;
}

}  // namespace

struct Inference::Ahead {
  features::Batch batch;  // as the row cache wants it
  RowCache::Wanted wanted;
  client::PsClient::PullId pull = 0;
};

Result<std::unique_ptr<Inference>> Inference::make(
    const InferenceParts& parts, std::shared_ptr<const version::ModelDefinition> definition) {
  Result<std::unique_ptr<version::ScoringModel>> model =
      version::ScoringModel::make(definition, parts.ops);
  if (!model.ok()) return model.error();
  return std::unique_ptr<Inference>(new Inference(parts, *definition, std::move(model).value()));
}

Inference::Inference(const InferenceParts& parts, const version::ModelDefinition& definition,
                     std::unique_ptr<version::ScoringModel> model)
    : parts_(parts),
      dims_(definition.shape.table_dims),
      tasks_(definition.config.tasks.size()),
      model_(std::move(model)),
      row_cache_(parts.ops, dims_, tables_of_bags(definition.shape),
                 parts.job.eval.row_cache_bytes) {}

Status Inference::run(version::VersionPtr version, const data::Dataset& data, const Take& take) {
  model_->use(std::move(version));
  const Result<uint64_t> bad_samples = run_alone(data, take);
  if (Status s = agree(parts_.collective, bad_samples.ok() ? Status(Ok{}) : bad_samples.error());
      !s.ok())
    return s;
  parts_.metrics.bad_samples.Increment(static_cast<double>(bad_samples.value()));
  const auto all = parts_.collective.all_gather(std::to_string(bad_samples.value()));
  if (!all.ok()) return all.error();
  uint64_t sum = 0;
  for (const std::string& one : all.value()) sum += std::stoull(one);
  if (sum <= parts_.job.data.max_bad_samples) return Ok{};
  return Error{
      ErrorCode::kBadData,
      fmt::format("{} bad samples, more than data.max_bad_samples ({}); the first are in the log",
                  sum, parts_.job.data.max_bad_samples)};
}

Result<uint64_t> Inference::run_alone(const data::Dataset& data, const Take& take) {
  Result<std::unique_ptr<data::BatchSource>> reading =
      data.start({.worker = parts_.collective.rank(),
                  .workers = parts_.collective.size(),
                  .batch_size = parts_.job.eval.batch_size},
                 model_->version()->statistics);
  if (!reading.ok()) return reading.error();
  data::PrefetchingSource source(std::move(reading).value(), kBatchesReady);
  math::RowBuffers rows(dims_.size(), model_->memory());
  version::BatchInput batch_input;
  std::vector<float> predictions;
  std::vector<std::vector<uint8_t>> kept;
  Result<Ahead> current = read_ahead(source);
  for (;;) {
    if (!current.ok()) return current.error();
    const auto& [batch, wanted, pull] = current.value();
    if (batch.samples == 0) return batch.bad_samples;
    Result<Ahead> next = read_ahead(source);
    for (size_t t = 0; t < dims_.size(); ++t) rows.resize(t, batch.keys[t].size() * dims_[t]);
    if (const auto pulled = parts_.shards.finish_pull(pull, rows.tables, &kept); !pulled.ok())
      return pulled.error();
    count(batch, wanted, row_cache_.take(wanted, rows.tables, kept));
    math::ModelInput& input = batch_input.of(batch, row_cache_.tables());
    input.tables_in_memory = true;
    predictions.resize(size_t{batch.samples} * tasks_);
    model_->predict(input, predictions);
    take(batch, predictions);
    current = std::move(next);
  }
}

Result<Inference::Ahead> Inference::read_ahead(data::BatchSource& source) {
  Result<features::Batch> batch = source.next();
  if (!batch.ok()) return batch.error();
  Ahead ahead{std::move(batch).value(), {}, 0};
  if (ahead.batch.samples == 0) return ahead;
  const uint64_t step = model_->version()->step;
  ahead.wanted = row_cache_.want(ahead.batch, step);
  const auto pull =
      parts_.shards.start_pull(step + 1, ahead.batch.keys, kPullReadOnly, ahead.wanted.known);
  if (!pull.ok()) return pull.error();
  ahead.pull = pull.value();
  return ahead;
}

void Inference::count(const features::Batch& batch, const RowCache::Wanted& wanted,
                      uint64_t confirmed) {
  size_t asked = 0;
  for (const std::vector<Key>& keys : batch.keys) asked += keys.size();
  parts_.metrics.row_cache_hits.Increment(static_cast<double>(wanted.found));
  parts_.metrics.row_cache_confirmed.Increment(static_cast<double>(confirmed));
  parts_.metrics.row_cache_misses.Increment(static_cast<double>(asked - confirmed));
}

}  // namespace cairn::evaluation
