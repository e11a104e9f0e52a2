#include "tests/chaos/victim.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string_view>
#include <vector>

#include "common/check.h"

extern char** environ;

namespace cairn {

Victim::Victim(const VictimOptions& options) {
  int to_child[2], from_child[2];
  check(pipe2(to_child, O_CLOEXEC) == 0 && pipe2(from_child, O_CLOEXEC) == 0, "pipes are made");
  // All made before the fork: the child only makes system calls.
  const std::string folder = options.state.string(),
                    fault = "CAIRN_FAULT_POINT=" + options.fault_point,
                    errors = options.errors.string();
  std::vector<const char*> arguments = {CAIRN_CHAOS_SERVER, folder.c_str(),
                                        options.endpoint.c_str(),
                                        options.recover ? "recover" : "new"};
  for (const std::string& setting : options.settings) arguments.push_back(setting.c_str());
  arguments.push_back(nullptr);
  std::vector<char*> environment;
  for (char** variable = environ; *variable != nullptr; ++variable)
    if (!std::string_view(*variable).starts_with("CAIRN_FAULT_POINT="))
      environment.push_back(*variable);
  if (!options.fault_point.empty()) environment.push_back(const_cast<char*>(fault.c_str()));
  environment.push_back(nullptr);
  pid_ = fork();
  check(pid_ >= 0, "a process is made");
  if (pid_ == 0) {
    dup2(to_child[0], STDIN_FILENO);
    dup2(from_child[1], STDOUT_FILENO);
    if (!errors.empty()) dup2(open(errors.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0666), 2);
    const rlim_t most = options.file_bytes.value_or(0);
    const rlimit limit = {most, RLIM_INFINITY};
    if (options.file_bytes.has_value()) setrlimit(RLIMIT_FSIZE, &limit);
    execve(arguments[0], const_cast<char* const*>(arguments.data()), environment.data());
    _exit(127);
  }
  close(to_child[0]);
  close(from_child[1]);
  input_ = to_child[1];
  output_ = from_child[0];
}

Victim::~Victim() {
  kill();
  close(input_);
  close(output_);
}

bool Victim::wait_until_ready() {
  std::string line;
  for (char byte; read(output_, &byte, 1) == 1; line += byte)
    if (byte == '\n') return line == "ready";
  reap();
  return false;
}

void Victim::kill() {
  if (reaped_) return;
  ::kill(pid_, SIGKILL);
  reap();
}

void Victim::reap() {
  while (waitpid(pid_, &wait_status_, 0) < 0 && errno == EINTR) {
  }
  reaped_ = true;
}

bool Victim::has_ended() {
  if (!reaped_) reaped_ = waitpid(pid_, &wait_status_, WNOHANG) == pid_;
  return reaped_;
}

int Victim::exit_code() {
  if (!reaped_) reap();
  return WIFSIGNALED(wait_status_) ? 128 + WTERMSIG(wait_status_) : WEXITSTATUS(wait_status_);
}

void Victim::limit_files(uint64_t bytes) const {
  const rlimit limit = {bytes, RLIM_INFINITY};
  check(prlimit(pid_, RLIMIT_FSIZE, &limit, nullptr) == 0, "a child's limit is set");
}

bool Victim::was_killed() const {
  return WIFSIGNALED(wait_status_) && WTERMSIG(wait_status_) == SIGKILL;
}

}  // namespace cairn
