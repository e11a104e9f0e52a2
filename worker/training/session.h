// The parts that training, evaluating and predicting share: the model, the shards, the statistics
// of the features, made from the job and, where there is one, a checkpoint. All workers make theirs
// together.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/checkpoint/manifest.h"
#include "worker/client/ps_client.h"
#include "worker/data/dataset.h"
#include "worker/evaluation/row_cache.h"
#include "worker/math/models/model.h"
#include "worker/training/worker.h"

namespace cairn::training {

// Thread safety: none; it belongs to the worker's thread.
struct Session {
  // Collective: on an error, the same one is returned to every worker.
  // Errors: kBadData and kNotFound of the input, kInvalidArgument where job and checkpoint
  // disagree.
  static Result<std::unique_ptr<Session>> open(const WorkerOptions& options,
                                               collective::Collective& collective,
                                               zmq::context_t& context, WorkerMetrics& metrics);

  Session(const WorkerOptions& options, collective::Collective& collective, WorkerMetrics& metrics)
      : options(options), job(options.job), collective(collective), metrics(metrics) {}

  uint32_t rank() const { return collective.rank(); }
  bool first() const { return collective.rank() == 0; }
  // Sums what stands in the model's memory.
  collective::Collective& sums() const {
    return device_collective ? *device_collective : collective;
  }
  std::vector<uint32_t> table_dims() const;

  const WorkerOptions& options;
  const JobConfig& job;
  collective::Collective& collective;
  WorkerMetrics& metrics;

  std::unique_ptr<collective::Collective> device_collective;  // null where the host computes

  std::unique_ptr<data::Dataset> train_data;       // kTrain only
  std::unique_ptr<data::Dataset> evaluation_data;  // null where the job has none
  features::Statistics statistics;
  const math::Ops* ops = nullptr;  // that the model computes with
  std::unique_ptr<math::Model> model;
  std::unique_ptr<math::DenseOptimizer> optimizer;
  std::unique_ptr<client::PsClient> client;
  std::unique_ptr<evaluation::RowCache> row_cache;  // of evaluations and predictions
  std::optional<CheckpointManifest> manifest;       // of the checkpoint that all started from
};

}  // namespace cairn::training
