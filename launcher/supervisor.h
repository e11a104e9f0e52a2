// Spawns a server process and watches it, for a rank that is itself only a place in mpirun. It
// spawns by fork and exec, so that it works inside a process that uses MPI.
//
// The child reads its spec, one line, from descriptor kSpecDescriptor, and finishes when that
// ends; it answers with one line on kReadyDescriptor once it serves. Its stdout and stderr go to
// the end of a log file, none of the parent's descriptors to it: mpirun waits for whoever holds its
// pipes. It stays in the parent's process group, where mpirun's signals reach it; SIGUSR1 it
// ignores. Thread safety: none; the main thread's, whose end is the parent's death to
// PR_SET_PDEATHSIG.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"

namespace cairn::launcher {

inline constexpr int kSpecDescriptor = 3;
inline constexpr int kReadyDescriptor = 4;

class Supervisor {
 public:
  struct Options {
    std::string name;                  // of the child, for people: "server 1 (shards 2 and 3)"
    std::vector<std::string> command;  // an absolute path and its arguments
    std::string spec;                  // without a line's end
    std::filesystem::path log;
  };

  // Errors: kUnavailable where the log cannot be written or the process not made.
  static Result<std::unique_ptr<Supervisor>> start(Options options);
  ~Supervisor();  // a child that still runs is killed and reaped

  // Waits for the child's answer. Errors: kUnavailable where it ends before that, as `watch`;
  // kTimedOut.
  Result<std::string> wait_until_ready(std::chrono::seconds timeout);

  // Looks, without waiting, whether the child runs. Errors: kUnavailable where it has ended: one
  // message with its name, signal or exit code, log file and the log's last lines.
  Status watch();

  // Lets the child finish, and waits for it. Errors: as `watch` where it does not leave with 0;
  // kTimedOut, and then it is killed.
  Status finish(std::chrono::seconds timeout);

 private:
  Supervisor(Options options, pid_t child, int spec, int ready);
  std::optional<int> reap();  // its wait status, once it has ended
  Error ended(int wait_status) const;

  const Options options_;
  pid_t child_;  // 0: reaped
  int spec_, ready_;
  int wait_status_ = 0;
};

}  // namespace cairn::launcher
