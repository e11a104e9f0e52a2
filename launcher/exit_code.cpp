#include "launcher/exit_code.h"

#include <cstdio>

namespace cairn::launcher {

int exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kNotFound:
      return kUsage;
    case ErrorCode::kBadData:
    case ErrorCode::kCorrupt:
      return kBadInput;
    case ErrorCode::kUnavailable:
    case ErrorCode::kTimedOut:
    case ErrorCode::kOutdated:
    case ErrorCode::kInterrupted:  // before there was anything to write a checkpoint of
      return kFailed;
  }
  return kFailed;
}

void print_error(std::string_view message) {
  // One write, so that the messages of several processes do not mix.
  const std::string line = "cairn: " + std::string(message) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
}

int print_error(const Error& error) {
  print_error(error.message);
  return exit_code_of(error.code);
}

}  // namespace cairn::launcher
