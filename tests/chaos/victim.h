// A chaos_server process that is going to be killed, or to find its disk full. Thread safety: none.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace cairn {

struct VictimOptions {
  std::filesystem::path state;
  std::string endpoint;
  bool recover = false;
  std::string fault_point = {};             // of CAIRN_FAULT_POINT; empty: none
  std::vector<std::string> settings = {};   // of chaos_server: "recovery=report"
  std::filesystem::path errors = {};        // file that its standard error goes to; empty: ours
  std::optional<uint64_t> file_bytes = {};  // no file of it may become larger
};

class Victim {
 public:
  explicit Victim(const VictimOptions& options);
  ~Victim();  // killed, if it runs
  Victim(const Victim&) = delete;

  // Waits until it serves; false if it ends before.
  bool wait_until_ready();
  void kill();  // SIGKILL, and reaps it
  // Whether it has ended; then `was_killed` tells how.
  bool has_ended();
  bool was_killed() const;
  // Waits for its end by itself; its exit code, or 128 + a signal.
  int exit_code();
  // As VictimOptions::file_bytes, from now on.
  void limit_files(uint64_t bytes) const;

 private:
  void reap();

  pid_t pid_ = 0;
  int input_ = -1, output_ = -1;  // our ends of its standard input and output
  bool reaped_ = false;
  int wait_status_ = 0;
};

}  // namespace cairn
