#include "tests/integration/process_tree.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <thread>

#include "common/check.h"
#include "tests/integration/small_job.h"

namespace cairn {

bool wait_until(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

BackgroundCairn::BackgroundCairn(const std::vector<std::string>& arguments,
                                 const std::filesystem::path& log)
    : log_(log) {
  static std::atomic<int> started = 0;
  mark_ = "CAIRN_TEST_MARK=" + std::to_string(::getpid()) + "." + std::to_string(started++);
  std::vector<std::string> command = {CAIRN_PROGRAM};
  command.insert(command.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& argument : command) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_ = ::fork();
  check(pid_ >= 0, "fork");
  if (pid_ != 0) return;
  const int file = ::open(log.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
  ::dup2(file, STDOUT_FILENO);
  ::dup2(file, STDERR_FILENO);
  ::putenv(mark_.data());
  ::execv(CAIRN_PROGRAM, argv.data());
  ::_exit(127);
}

BackgroundCairn::~BackgroundCairn() {
  for (pid_t pid : processes()) ::kill(pid, SIGKILL);
  if (!reaped_) ::waitpid(pid_, nullptr, 0);
}

std::vector<pid_t> BackgroundCairn::processes() const {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc{}) continue;
    if (read_file(entry.path() / "environ").find(mark_ + '\0') != std::string::npos)
      found.push_back(pid);
  }
  return found;
}

std::vector<pid_t> BackgroundCairn::processes_with(const std::string& word) const {
  std::vector<pid_t> found;
  for (pid_t pid : processes()) {
    const std::string line = read_file("/proc/" + std::to_string(pid) + "/cmdline");
    if (line.starts_with(CAIRN_PROGRAM) || line.starts_with("/proc/self/exe") ||
        line.find("cairn") != std::string::npos)
      if (line.find('\0' + word + '\0') != std::string::npos) found.push_back(pid);
  }
  return found;
}

void BackgroundCairn::signal(int number) const { ::kill(pid_, number); }

int BackgroundCairn::exit_code() {
  int status = 0;
  if (!wait_until([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; })) return -1;
  reaped_ = true;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string BackgroundCairn::output() const { return read_file(log_); }

}  // namespace cairn
