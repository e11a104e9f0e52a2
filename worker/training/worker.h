// One worker's life: train, evaluate or predict, from its first pull to its last checkpoint. It
// knows its rank, the shards' endpoints and a Collective; it starts no processes and calls no MPI.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/config/job.h"
#include "common/metrics/metrics.h"
#include "common/net/endpoint.h"
#include "worker/collective/collective.h"

namespace zmq {
class context_t;
}

namespace cairn::training {

enum class WorkerMode : uint8_t { kTrain, kEvaluate, kPredict };

struct WorkerOptions {
  JobConfig job;
  WorkerMode mode = WorkerMode::kTrain;
  uint64_t incarnation = 0;
  std::vector<Endpoint> endpoints;                  // one per shard
  std::optional<std::filesystem::path> checkpoint;  // the folder that the shards were loaded from
  std::vector<std::string> inputs;                  // kPredict: files to read; empty: data.eval
  std::filesystem::path predictions;                // kPredict: the file to write
  // Set from a signal handler: finish the step, write a checkpoint, exit 4.
  const std::atomic<bool>* interrupted = nullptr;
};

struct WorkerOutcome {
  int exit_code = 0;    // 0 done, 1 failed, 2 job, 3 data, 4 interrupted with a checkpoint written
  std::string message;  // of a failure, one line
  // Whether all workers return this outcome. If not, the others may still wait for this one:
  // whoever called must end them.
  bool agreed = true;
};

// The outcome of a worker that an error ends.
WorkerOutcome outcome_of(const Error& error);

// Called by every worker of the job. Thread safety: one call a thread.
WorkerOutcome run_worker(const WorkerOptions& options, collective::Collective& collective,
                         zmq::context_t& context, WorkerMetrics& metrics);

}  // namespace cairn::training
