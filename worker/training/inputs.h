// The data that a worker reads: opened with the job, and nothing else of it.
#pragma once

#include <memory>

#include "worker/data/dataset.h"
#include "worker/training/job_view.h"

namespace cairn::training {

struct Inputs {
  std::unique_ptr<data::Dataset> train;       // kTrain only
  std::unique_ptr<data::Dataset> evaluation;  // kPredict: what to predict; null: the job has none

  // Collective: on an error, the same one is returned to every worker. Errors: those of
  // Dataset::open; kInvalidArgument where an evaluation has no data.
  static Result<Inputs> open(const JobView& view);
};

// The statistics of the training data. Collective; the same bits for every number of workers, as
// the moments of all readers are merged in order. Errors: those of the collective.
Result<features::Statistics> compute_statistics(const JobView& view, const data::Dataset& train);

}  // namespace cairn::training
