// A server process: what `cairn ps` does once a keeper has spawned it.
#pragma once

#include <sys/types.h>

namespace cairn {

// Reads its orders from kOrdersDescriptor, serves, and returns the exit code when the orders end.
// `keeper` is the process that spawned it, whose death ends it at once.
int run_server_process(pid_t keeper);

}  // namespace cairn
