#include "launcher/mpirun.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <sstream>

#include "launcher/exit_code.h"

namespace cairn {

namespace {

constexpr std::chrono::seconds kEndTimeout{5};  // mpirun's own takes two

std::vector<std::string> mpirun_command(const std::string& mpirun, const MpirunOptions& options) {
  std::vector<std::string> command = {mpirun, "-np", std::to_string(options.ranks),
                                      // A laptop has fewer cores than a job has processes, and a
                                      // rank tied to one core would tie its threads to it.
                                      "--oversubscribe", "--bind-to", "none", "-q"};
  if (!options.hostfile.empty()) command.insert(command.end(), {"--hostfile", options.hostfile});
  command.insert(command.end(), options.command.begin(), options.command.end());
  return command;
}

sigset_t watched_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&signals, signal);
  return signals;
}

// In the child of a fork: only calls that are safe there.
[[noreturn]] void become_mpirun(char* const* command, const sigset_t& mask, pid_t parent) {
  setpgid(0, 0);
  // SIGTERM, on which mpirun ends its ranks in order.
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(kFailed);
  // Ignored until mpirun handles it: an early Ctrl-C must not end it half started.
  std::signal(SIGUSR1, SIG_IGN);
  // In the background of a terminal, reading from it would stop mpirun.
  const int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  execv(command[0], command);
  _exit(127);
}

// Our exit code for mpirun's: that of a rank, or 128 + a signal.
int exit_code_of_mpirun(int wait_status) {
  if (!WIFEXITED(wait_status)) {
    complain(fmt::format("mpirun was killed by signal {}", WTERMSIG(wait_status)));
    return kFailed;
  }
  const int code = WEXITSTATUS(wait_status);
  if (code > 128)
    complain(fmt::format("a process of the job was killed by signal {} ({})", code - 128,
                         strsignal(code - 128)));
  return code >= kDone && code <= kInterrupted ? code : kFailed;
}

// Passes signals on until mpirun has ended; its wait status.
int watch(pid_t mpirun, const sigset_t& signals) {
  int wait_status = 0, asked = 0;
  while (waitpid(mpirun, &wait_status, WNOHANG) != mpirun) {
    const timespec second = {1, 0};
    const int signal = sigtimedwait(&signals, nullptr, &second);
    if (signal < 0 || signal == SIGCHLD) continue;
    if (++asked == 1) {
      complain("finishing the step and writing a checkpoint; once more to end at once");
      kill(mpirun, SIGUSR1);
      continue;
    }
    complain("ending at once");
    kill(mpirun, SIGTERM);
    const auto deadline = std::chrono::steady_clock::now() + kEndTimeout;
    while (waitpid(mpirun, &wait_status, WNOHANG) != mpirun) {
      if (std::chrono::steady_clock::now() > deadline) kill(-mpirun, SIGKILL);
      const timespec moment = {0, 50'000'000};
      nanosleep(&moment, nullptr);
    }
    return W_EXITCODE(kFailed, 0);
  }
  return wait_status;
}

}  // namespace

Result<std::string> find_mpirun() {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string program = (folder.empty() ? "." : folder) + "/mpirun";
    if (access(program.c_str(), X_OK) == 0) return program;
  }
  return Error{
      ErrorCode::kUnavailable,
      "there is no mpirun in PATH; install Open MPI (on Debian: apt install openmpi-bin), or "
      "train in one process by --local"};
}

Result<int> run_mpirun(const MpirunOptions& options) {
  auto mpirun = find_mpirun();
  if (!mpirun.ok()) return mpirun.error();
  std::vector<std::string> words = mpirun_command(mpirun.value(), options);
  std::vector<char*> command;
  for (std::string& word : words) command.push_back(word.data());
  command.push_back(nullptr);
  if (geteuid() == 0) {  // who runs `cairn` as root has decided that already
    setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
    setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
  }

  // Blocked before the fork, so that no signal is lost between it and the wait.
  const sigset_t signals = watched_signals();
  sigset_t before;
  sigprocmask(SIG_BLOCK, &signals, &before);
  const pid_t parent = getpid(), child = fork();
  if (child == 0) become_mpirun(command.data(), before, parent);
  if (child < 0)
    return Error{ErrorCode::kUnavailable,
                 std::string("cannot start mpirun: ") + std::strerror(errno)};
  setpgid(child, child);  // the child does the same; whoever comes first
  const int code = exit_code_of_mpirun(watch(child, signals));
  sigprocmask(SIG_SETMASK, &before, nullptr);
  return code;
}

}  // namespace cairn
