// A chaos_server process that is going to be killed. Thread safety: none.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace cairn {

class Victim {
 public:
  // `fault_point`: of CAIRN_FAULT_POINT; empty: none.
  Victim(const std::filesystem::path& state, const std::string& endpoint, bool recover,
         const std::string& fault_point = "");
  ~Victim();  // killed, if it runs
  Victim(const Victim&) = delete;

  // Waits until it serves; false if it ends before.
  bool wait_until_ready();
  void kill();  // SIGKILL, and reaps it
  // Whether it has ended; then `was_killed` tells how.
  bool has_ended();
  bool was_killed() const;

 private:
  void reap();

  pid_t pid_ = 0;
  int input_ = -1, output_ = -1;  // our ends of its standard input and output
  bool reaped_ = false;
  int wait_status_ = 0;
};

}  // namespace cairn
