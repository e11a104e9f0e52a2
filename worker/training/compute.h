// Where a worker computes, and the model that it trains there.
#pragma once

#include <memory>

#include "worker/math/models/model.h"
#include "worker/math/ops/ops.h"
#include "worker/math/optimizers/dense_optimizer.h"
#include "worker/training/job_view.h"
#include "worker/version/model_version.h"

namespace cairn::training {

// The device of train.device, or the host.
struct ComputeDevice {
  const math::Ops* ops = nullptr;
  // Sums what stands in a GPU's memory; null where the host computes.
  std::unique_ptr<collective::Collective> gpu_collective;

  // Sums what stands in the memory of `ops`.
  collective::Collective& sums(collective::Collective& hosts) const {
    return gpu_collective ? *gpu_collective : hosts;
  }

  // Collective: on an error, the same one is returned to every worker. Each worker of a host takes
  // a GPU in turn. Errors: kUnavailable where there is none, or this build has no code for it.
  static Result<ComputeDevice> open(const JobView& view);
};

// A model and the optimizer of its dense parameters. Only training has one.
struct Learner {
  std::shared_ptr<const version::ModelDefinition> definition;
  std::unique_ptr<math::Model> model;
  std::unique_ptr<math::DenseOptimizer> optimizer;

  // `ops` outlive it. Errors: kInvalidArgument where job and definition make no model.
  static Result<Learner> make(const JobConfig& job,
                              std::shared_ptr<const version::ModelDefinition> definition,
                              const math::Ops& ops);

  // The parameters as they are now, copied to the host.
  version::VersionPtr version(uint64_t step, const features::Statistics& statistics) const;
  // Goes on from a version, of the same definition.
  void start_from(const version::ModelVersion& version);
};

}  // namespace cairn::training
