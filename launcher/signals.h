// How a run is asked to finish its step, write a checkpoint and leave.
#pragma once

#include <atomic>
#include <functional>

namespace cairn::launcher {

// Set once a run was asked to end early.
const std::atomic<bool>& interrupted();

// A rank under mpirun: SIGUSR1 sets the flag, and a server rank never looks at it. SIGINT and
// SIGTERM keep ending the process.
void take_sigusr1_as_interrupt();

// A run in one process: SIGINT, SIGTERM or SIGUSR1 sets the flag; another SIGINT or SIGTERM ends
// the process.
void take_signals_as_interrupt();

// A run in one process that has nothing to write a checkpoint of: SIGINT or SIGTERM says so, calls
// `clean_up` on a thread of its own, and ends the process with kFailed. Called before other threads
// are started.
void stop_at_signals(std::function<void()> clean_up);

}  // namespace cairn::launcher
