// Chooses the checkpoint that a run starts from, and what to say where there is none.
#pragma once

#include <filesystem>
#include <optional>

#include "common/checkpoint/manifest.h"
#include "common/result.h"
#include "launcher/job_start.h"

namespace cairn::launcher {

// The manifest of a checkpoint that the user named. Errors: as read_manifest; where the folder is
// of a run or of its checkpoints, kNotFound that names the checkpoint probably meant.
Result<CheckpointManifest> read_named_checkpoint(const std::filesystem::path& folder);

// The one that the request names, else the newest of the job; none for a training that begins.
// Errors: kNotFound where it must have one and there is none; as read_manifest.
Result<std::optional<std::filesystem::path>> choose_checkpoint(const JobRequest& request,
                                                               const JobConfig& job);

}  // namespace cairn::launcher
