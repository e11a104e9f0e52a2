// A job as the text of a job file with every default filled in: `resolved.yaml` of a run.
#pragma once

#include <string>

#include "common/config/job.h"

namespace cairn {

// Loads back to the same JobConfig. Variables of the environment stand replaced, features one by
// one, and tables with all they start from.
std::string write_resolved(const JobConfig& job);

// XXH3-64 of that text, as 16 hexadecimal digits, without `output` and the folders in it, so that a
// job has one hash wherever it runs.
std::string config_hash(const JobConfig& job);

}  // namespace cairn
