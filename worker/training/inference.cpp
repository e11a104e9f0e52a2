#include "worker/training/inference.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "worker/collective/agreement.h"
#include "worker/data/prefetching_source.h"

namespace cairn::training {
namespace {

constexpr size_t kBatchesReady = 2;

struct Ahead {
  features::Batch batch;  // as the row cache wants it
  evaluation::RowCache::Wanted wanted;
  client::PsClient::PullId pull = 0;
};

Result<Ahead> read_ahead(Session& session, data::PrefetchingSource& source, uint64_t step) {
  Result<features::Batch> batch = source.next();
  if (!batch.ok()) return batch.error();
  Ahead ahead{std::move(batch).value(), {}, 0};
  if (ahead.batch.samples == 0) return ahead;
  ahead.wanted = session.row_cache->want(ahead.batch, step);
  const auto pull =
      session.client->start_pull(step + 1, ahead.batch.keys, kPullReadOnly, ahead.wanted.known);
  if (!pull.ok()) return pull.error();
  ahead.pull = pull.value();
  return ahead;
}

void count(WorkerMetrics& metrics, const features::Batch& batch,
           const evaluation::RowCache::Wanted& wanted, uint64_t confirmed) {
  size_t asked = 0;
  for (const std::vector<Key>& keys : batch.keys) asked += keys.size();
  metrics.row_cache_hits.Increment(static_cast<double>(wanted.found));
  metrics.row_cache_confirmed.Increment(static_cast<double>(confirmed));
  metrics.row_cache_misses.Increment(static_cast<double>(asked - confirmed));
}

// Bad rows met.
Result<uint64_t> run(
    Session& session, const data::Dataset& data, uint64_t step,
    const std::function<void(const features::Batch&, std::span<const float>)>& take) {
  Result<std::unique_ptr<data::BatchSource>> reading =
      data.start({.worker = session.rank(),
                  .workers = session.collective.size(),
                  .batch_size = session.job.eval.batch_size},
                 session.statistics);
  if (!reading.ok()) return reading.error();
  data::PrefetchingSource source(std::move(reading).value(), kBatchesReady);
  StepBuffers buffers(session.table_dims(), static_cast<uint32_t>(session.job.model.tasks.size()),
                      session.model->memory());
  std::vector<std::vector<uint8_t>> kept;
  Result<Ahead> current = read_ahead(session, source, step);
  for (;;) {
    if (!current.ok()) return current.error();
    const auto& [batch, wanted, pull] = current.value();
    if (batch.samples == 0) return batch.bad_samples;
    Result<Ahead> next = read_ahead(session, source, step);
    buffers.resize(batch);
    if (const auto pulled = session.client->finish_pull(pull, buffers.rows, &kept); !pulled.ok())
      return pulled.error();
    count(session.metrics, batch, wanted, session.row_cache->take(wanted, buffers.rows, kept));
    math::ModelInput input = buffers.input(batch, {});
    input.tables = session.row_cache->tables();
    input.tables_in_memory = true;
    session.model->predict(input, buffers.predictions);
    take(batch, buffers.predictions);
    current = std::move(next);
  }
}

}  // namespace

Status run_inference(Session& session, const data::Dataset& data, uint64_t step,
                     const std::function<void(const features::Batch& batch,
                                              std::span<const float> predictions)>& take) {
  const Result<uint64_t> bad_samples = run(session, data, step, take);
  if (Status s = agree(session.collective, bad_samples.ok() ? Status(Ok{}) : bad_samples.error());
      !s.ok())
    return s;
  session.metrics.bad_samples.Increment(static_cast<double>(bad_samples.value()));
  const auto all = session.collective.all_gather(std::to_string(bad_samples.value()));
  if (!all.ok()) return all.error();
  uint64_t sum = 0;
  for (const std::string& one : all.value()) sum += std::stoull(one);
  if (sum <= session.job.data.max_bad_samples) return Ok{};
  return Error{
      ErrorCode::kBadData,
      fmt::format("{} bad samples, more than data.max_bad_samples ({}); the first are in the log",
                  sum, session.job.data.max_bad_samples)};
}

}  // namespace cairn::training
