// Starts mpirun, passes on what the user's signals mean, and leaves nothing behind.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/result.h"

namespace cairn::launcher {

struct MpirunOptions {
  uint32_t ranks = 1;
  std::string hostfile;              // may be empty
  std::vector<std::string> command;  // what every rank runs
  bool checkpoints = true;           // an interrupted job has something to write one of
};

// mpirun's path, from PATH. Errors: kUnavailable, with the packages that bring it.
Result<std::string> find_mpirun();

// Runs it in a process group of its own, so that Ctrl-C reaches only this process. The first
// SIGINT, SIGTERM or SIGHUP becomes SIGUSR1 to mpirun, which passes it on to all ranks ("finish the
// step, write a checkpoint, leave with 4"); a second one, or the first where the job writes no
// checkpoint, ends it at once. It dies with this process, if that is killed. Returns the exit code
// for `cairn`. Errors: kUnavailable where it cannot be started. For the main thread of a process
// without other threads.
Result<int> run_mpirun(const MpirunOptions& options);

}  // namespace cairn::launcher
