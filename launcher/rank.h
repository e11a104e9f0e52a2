// The work of one rank of an mpirun, from MPI_Init to its exit code.
//
// Rank 0 reads the job and all ranks leave together, with one exit code and one message, where it
// cannot be started. A server that dies later ends the job by MPI_Abort, with one message of its
// supervisor; a rank that dies is mpirun's to report.
#pragma once

#include "launcher/job_start.h"

namespace cairn::launcher {

// Called once, from the main thread.
int run_rank(const JobRequest& request);

}  // namespace cairn::launcher
