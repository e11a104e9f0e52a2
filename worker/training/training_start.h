// Where training starts: at the beginning, or where a checkpoint left off.
#pragma once

#include <optional>

#include "common/checkpoint/manifest.h"
#include "worker/training/compute.h"
#include "worker/training/inputs.h"

namespace cairn::training {

struct TrainingStart {
  features::Statistics statistics;
  std::optional<CheckpointManifest> manifest;  // of the checkpoint

  // Gives `learner` what the checkpoint has, or computes the statistics. Collective: on an error,
  // the same one is returned to every worker. Errors: those of version::read_version;
  // kInvalidArgument where job and checkpoint disagree.
  static Result<TrainingStart> open(const JobView& view, const data::Dataset& train,
                                    Learner& learner);
};

}  // namespace cairn::training
