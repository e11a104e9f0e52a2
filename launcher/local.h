// A whole job in one process: shards as threads behind inproc sockets, workers as threads with an
// in-memory collective. The same code and, with as many workers, the same bits as under mpirun.
#pragma once

#include "launcher/job_start.h"

namespace cairn::launcher {

// Returns the exit code, after saying what went wrong. Serves metrics as rank 0.
int run_local(const JobRequest& request);

}  // namespace cairn::launcher
