// A version of a model over all samples of a data set, forward only: what evaluation and prediction
// share.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "common/config/job.h"
#include "common/metrics/metrics.h"
#include "worker/client/ps_client.h"
#include "worker/collective/collective.h"
#include "worker/data/dataset.h"
#include "worker/evaluation/row_cache.h"
#include "worker/math/ops/ops.h"
#include "worker/version/model_version.h"
#include "worker/version/scoring_model.h"

namespace cairn::evaluation {

// What an inference works with. All outlive it.
struct InferenceParts {
  const JobConfig& job;
  collective::Collective& collective;  // of the workers, who share the samples
  const math::Ops& ops;                // the model computes with them
  client::PsClient& shards;            // they hold the rows
  WorkerMetrics& metrics;
};

// Keeps a model and rows from run to run. Thread safety: none; it belongs to the worker's thread.
class Inference {
 public:
  // Errors: those of math::make_model.
  static Result<std::unique_ptr<Inference>> make(
      const InferenceParts& parts, std::shared_ptr<const version::ModelDefinition> definition);

  // Calls `take` with every batch of this worker's samples and their predictions [samples, tasks].
  // Rows are read as they stand after version->step, which never goes back; nothing on the shards
  // changes. Collective: every worker takes part, and an error of one is returned to all.
  using Take =
      std::function<void(const features::Batch& batch, std::span<const float> predictions)>;
  Status run(version::VersionPtr version, const data::Dataset& data, const Take& take);

  const InferenceParts& parts() const { return parts_; }

 private:
  struct Ahead;

  Inference(const InferenceParts& parts, const version::ModelDefinition& definition,
            std::unique_ptr<version::ScoringModel> model);

  // This worker's part of a run. Returns the number of bad samples met.
  Result<uint64_t> run_alone(const data::Dataset& data, const Take& take);
  Result<Ahead> read_ahead(data::BatchSource& source);
  void count(const features::Batch& batch, const RowCache::Wanted& wanted, uint64_t confirmed);

  const InferenceParts parts_;
  std::vector<uint32_t> dims_;  // of the tables
  size_t tasks_;
  std::unique_ptr<version::ScoringModel> model_;
  RowCache row_cache_;
};

}  // namespace cairn::evaluation
