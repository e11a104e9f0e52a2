// A server process: what `cairn ps` does once a supervisor has spawned it.
#pragma once

#include <sys/types.h>

namespace cairn::launcher {

// Reads its spec from kSpecDescriptor, serves, and returns the exit code when the spec end.
// `supervisor` is the process that spawned it, whose death ends it at once.
int run_server_process(pid_t supervisor);

}  // namespace cairn::launcher
