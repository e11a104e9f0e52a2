#include "worker/training/training_start.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>

#include "worker/collective/agreement.h"
#include "worker/training/dense_file.h"
#include "worker/version/checkpoint_version.h"

namespace cairn::training {
namespace {

namespace fs = std::filesystem;

// Whether the cursor of a checkpoint means the same samples in this job.
Status check_cursor(const CheckpointManifest& manifest, const JobConfig& job,
                    const data::Dataset& train, const fs::path& folder) {
  const auto differs = [&](const std::string& what) {
    return Error{ErrorCode::kInvalidArgument, folder.string() + ": " + what};
  };
  if (manifest.readers != job.data.readers || manifest.positions.size() != job.data.readers)
    return differs("was written with data.readers " + std::to_string(manifest.readers) +
                   ", the job has " + std::to_string(job.data.readers) +
                   "; it is fixed for the life of a job");
  const auto& positions = manifest.positions;
  const bool is_within_an_epoch =
      std::any_of(positions.begin(), positions.end(), [](const auto& position) {
        return position != std::pair{0u, 0u};
      });
  if (is_within_an_epoch && manifest.data_order != train.order_fingerprint())
    return differs(
        "was written within an epoch, of other training data or in another order (data.train, "
        "data.shuffle, train.seed); these can change only between epochs");
  return Ok{};
}

Result<TrainingStart> load(const JobView& view, const data::Dataset& train, Learner& learner) {
  const fs::path& folder = *view.options.checkpoint;
  Result<CheckpointManifest> manifest = version::read_manifest_of(folder, view.job);
  if (!manifest.ok()) return manifest.error();
  if (Status s = check_cursor(manifest.value(), view.job, train, folder); !s.ok()) return s.error();
  const Result<version::VersionPtr> version =
      version::read_version(folder, manifest.value().step, learner.definition);
  if (!version.ok()) return version.error();
  if (Status s = read_optimizer_state(folder / version::kDenseFile, *learner.definition,
                                      *learner.optimizer, learner.model->memory());
      !s.ok())
    return s.error();
  learner.start_from(*version.value());
  return TrainingStart{.statistics = version.value()->statistics,
                       .manifest = std::move(manifest).value()};
}

}  // namespace

Result<TrainingStart> TrainingStart::open(const JobView& view, const data::Dataset& train,
                                          Learner& learner) {
  if (view.options.checkpoint) {
    Result<TrainingStart> start = load(view, train, learner);
    const Status mine = start.ok() ? Status(Ok{}) : Status(start.error());
    if (Status s = agree(view.collective, mine); !s.ok()) return s.error();
    return start;
  }
  Result<features::Statistics> statistics = compute_statistics(view, train);
  if (!statistics.ok()) return statistics.error();
  return TrainingStart{.statistics = std::move(statistics).value(), .manifest = {}};
}

}  // namespace cairn::training
