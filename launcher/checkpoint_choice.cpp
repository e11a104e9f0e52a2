#include "launcher/checkpoint_choice.h"

#include <fmt/core.h>

#include <system_error>

namespace cairn::launcher {

Result<CheckpointManifest> read_named_checkpoint(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (std::filesystem::is_directory(folder, ignored) &&
      !std::filesystem::exists(folder / "manifest.json", ignored))
    for (const auto& of_run : {folder / "checkpoints", folder})
      if (const auto newest = newest_checkpoint(of_run); newest.ok())
        return Error{ErrorCode::kNotFound, fmt::format("{} is no checkpoint; give {}",
                                                       folder.string(), newest.value().string())};
  return read_manifest(folder);
}

// A job of several hosts has no checkpoint of its own on the others; all read the one that rank 0
// names.
Result<std::optional<std::filesystem::path>> choose_checkpoint(const JobRequest& request,
                                                               const JobConfig& job) {
  std::optional<std::filesystem::path> chosen;
  const bool train = request.mode == training::WorkerMode::kTrain;
  if (!request.checkpoint.empty()) {
    const auto manifest = read_named_checkpoint(request.checkpoint);
    if (!manifest.ok()) return manifest.error();
    chosen = request.checkpoint;
  } else if (!train || request.resume) {
    const auto newest = newest_checkpoint(job.checkpoint.dir);
    if (!newest.ok() && train) return chosen;  // a resumed run that had come to none begins again
    if (!newest.ok() && newest.error().code == ErrorCode::kNotFound)
      return Error{ErrorCode::kNotFound,
                   fmt::format("no checkpoint in {}; train first, or give --checkpoint",
                               job.checkpoint.dir)};
    if (!newest.ok()) return newest.error();
    const auto manifest = read_manifest(newest.value());
    if (!manifest.ok()) return manifest.error();
    chosen = newest.value();
  }
  return chosen;
}

}  // namespace cairn::launcher
