// A job as the text of a job file with every default filled in: `resolved.yaml` of a run.
#pragma once

#include <string>

#include "common/config/job.h"

namespace cairn {

// The text loads back to the same JobConfig. It has variables of the environment replaced, features
// one by one, and tables with all defaults that they start from.
std::string write_resolved(const JobConfig& job);

// XXH3-64 of the resolved text, as 16 hexadecimal digits. `output` and the folders in it are left
// out, so that a job has one hash wherever it runs.
std::string config_hash(const JobConfig& job);

}  // namespace cairn
