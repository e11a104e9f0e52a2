// A worker's view of its job: what it was told, its place among the workers, and where it counts.
#pragma once

#include <cstdint>

#include "common/config/job.h"
#include "common/metrics/metrics.h"
#include "worker/collective/collective.h"
#include "worker/training/worker.h"

namespace cairn::training {

// References; everything outlives the view.
struct JobView {
  const WorkerOptions& options;
  const JobConfig& job;
  collective::Collective& collective;
  WorkerMetrics& metrics;

  uint32_t rank() const { return collective.rank(); }
  bool first() const { return collective.rank() == 0; }
};

}  // namespace cairn::training
