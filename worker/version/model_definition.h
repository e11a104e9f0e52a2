// What all versions of a job's model have in common: their inputs and their layers, without a value
// of either. A plain value that many threads may read.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/config/job.h"
#include "common/result.h"
#include "worker/features/feature_plan.h"
#include "worker/math/models/model.h"

namespace cairn::version {

struct ModelDefinition {
  ModelConfig config;
  uint64_t seed = 0;  // of the job: for initial values
  Precision precision = Precision::kF32;
  features::Plan features;  // without labels: how a record becomes numbers and keys
  math::ModelShape shape;
  // How the parameters of a version stand in its flat buffer, of `floats` floats.
  std::vector<math::ParameterInfo> parameters;
  size_t floats = 0;

  // Errors: kInvalidArgument where the job's features or layers do not fit together.
  static Result<std::shared_ptr<const ModelDefinition>> make(const JobConfig& job);
};

}  // namespace cairn::version
