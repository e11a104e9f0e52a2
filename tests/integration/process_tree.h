// A program in the background, and the processes below it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace cairn {

// Polls until `holds`, at most a minute.
bool wait_until(const std::function<bool()>& holds);

class BackgroundCairn {
 public:
  // Output goes to `log`.
  BackgroundCairn(const std::vector<std::string>& arguments, const std::filesystem::path& log);
  ~BackgroundCairn();  // kills what still runs

  // All descendants, whoever their parent is now: found by a variable in their environment.
  std::vector<pid_t> processes() const;
  // Those whose command line has `word` as an argument.
  std::vector<pid_t> processes_with(const std::string& word) const;

  void signal(int number) const;
  // Waits, at most a minute; 128 + a signal; -1 where it did not end.
  int exit_code();
  std::string output() const;

 private:
  std::string mark_;
  std::filesystem::path log_;
  pid_t pid_;
  bool reaped_ = false;
};

}  // namespace cairn
