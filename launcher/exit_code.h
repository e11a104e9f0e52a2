// The exit codes that `cairn` leaves to scripts, and the one way it says what went wrong.
#pragma once

#include <string>
#include <string_view>

#include "common/result.h"

namespace cairn::launcher {

enum ExitCode : int {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,        // the job file or the command line is wrong
  kBadInput = 3,     // the data is wrong
  kInterrupted = 4,  // and a checkpoint is written
};

// The one that an error ends the process with.
int exit_code_of(ErrorCode code);

// Writes `cairn: message` to stderr.
void print_error(std::string_view message);

// The same, and returns the error's exit code.
int print_error(const Error& error);

}  // namespace cairn::launcher
