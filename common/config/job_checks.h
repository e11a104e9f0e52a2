// Checks the values of a job against each other, after each alone was found right.
#pragma once

#include "common/config/features.h"
#include "common/config/job.h"

namespace cairn {

// `entries` holds, per feature, the index of its entry in the file.
void check_job(const JobConfig& job, const std::vector<size_t>& entries, const Validate& validate);

}  // namespace cairn
