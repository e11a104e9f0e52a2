// The three ways in which `train`, `eval` and `predict` run: in this process, as a rank of an
// mpirun, or by starting mpirun.
#pragma once

#include "launcher/job_start.h"

namespace cairn::launcher {

// Returns the exit code, after saying what went wrong.
int run_job(const JobRequest& request);

}  // namespace cairn::launcher
