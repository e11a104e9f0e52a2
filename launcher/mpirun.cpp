#include "launcher/mpirun.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <sstream>

#include "launcher/exit_code.h"
#include "launcher/mpirun_report.h"

namespace cairn::launcher {

namespace {

using std::chrono::steady_clock;
constexpr std::chrono::seconds kEndTimeout{5};  // mpirun's own takes two

std::vector<std::string> mpirun_command(const std::string& mpirun, const MpirunOptions& options) {
  std::vector<std::string> command = {mpirun, "-np", std::to_string(options.ranks),
                                      // A laptop has fewer cores than a job has processes, and a
                                      // rank tied to one core would tie its threads to it.
                                      "--oversubscribe", "--bind-to", "none"};
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
[[noreturn]] void become_mpirun(char* const* command, const sigset_t& mask, pid_t parent,
                                int report) {
  setpgid(0, 0);
  // SIGTERM, on which mpirun ends its ranks in order.
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(kFailed);
  // Ignored until mpirun handles it: an early Ctrl-C must not end it half started.
  std::signal(SIGUSR1, SIG_IGN);
  // Nobody reads its report once `cairn` is killed, and that must not keep it from ending its
  // ranks.
  std::signal(SIGPIPE, SIG_IGN);
  // In the background of a terminal, reading from it would stop mpirun.
  const int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  dup2(report, STDERR_FILENO);
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  execv(command[0], command);
  _exit(127);
}

// An mpirun that runs: its signals, its stderr, its end.
class RunningMpirun {
 public:
  // `signals`: a signalfd of watched_signals(). `report`: the reading end of its stderr.
  RunningMpirun(pid_t mpirun, int signals, int report, bool checkpoints)
      : mpirun_(mpirun), signals_(signals), report_(report), checkpoints_(checkpoints) {}

  // Our exit code, once it has ended.
  int wait() {
    while (!ended()) {
      pollfd events[] = {{signals_, POLLIN, 0}, {report_, POLLIN, 0}};
      // The look at the clock is for an end that was asked for and does not come.
      poll(events, report_open_ ? 2 : 1, 1000);
      pass_report_on();
      signalfd_siginfo signal;
      if (read(signals_, &signal, sizeof(signal)) == sizeof(signal) && signal.ssi_signo != SIGCHLD)
        pass_on_interrupt();
      insist();
    }
    pass_report_on();
    show(stderr_.finish());
    return exit_code();
  }

 private:
  bool ended() { return waitpid(mpirun_, &wait_status_, WNOHANG) == mpirun_; }

  void pass_on_interrupt() {
    if (++interrupts_ == 1 && checkpoints_) {
      print_error("finishing the step and writing a checkpoint; once more to end at once");
      ask_again_at_ = steady_clock::now();
    } else if (!end_by_) {
      print_error(checkpoints_ ? "ending at once" : "stopping");
      kill(mpirun_, SIGTERM);
      end_by_ = steady_clock::now() + kEndTimeout;
    }
  }

  // mpirun passes nothing on before its ranks are there, so it is asked until it ends.
  void insist() {
    const auto now = steady_clock::now();
    if (end_by_ && now > *end_by_) kill(-mpirun_, SIGKILL);
    if (end_by_ || interrupts_ == 0 || now < ask_again_at_) return;
    kill(mpirun_, SIGUSR1);
    ask_again_at_ = now + std::chrono::seconds(1);
  }

  void pass_report_on() {
    char bytes[4096];
    ssize_t count = 0;
    while (report_open_ && (count = read(report_, bytes, sizeof(bytes))) > 0)
      show(stderr_.take({bytes, static_cast<size_t>(count)}));
    if (count == 0) report_open_ = false;
  }

  static void show(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
  }

  // mpirun's is that of a rank, or 128 + a signal.
  int exit_code() const {
    const bool wrote_checkpoint =
        WIFEXITED(wait_status_) && WEXITSTATUS(wait_status_) == kInterrupted;
    if (end_by_) return wrote_checkpoint ? kInterrupted : kFailed;  // as the user wanted
    const auto& killed = stderr_.killed();
    if (killed && interrupts_ > 0 && std::atoi(killed->signal.c_str()) == SIGUSR1)
      print_error("interrupted before training began");  // and before that rank could handle it
    else if (killed)
      print_error(fmt::format("{} (rank {}, on host {}) was killed by signal {}",
                              stderr_.role_of(killed->rank), killed->rank, killed->host,
                              killed->signal));
    else if (!WIFEXITED(wait_status_))
      print_error(fmt::format("mpirun was killed by signal {}", WTERMSIG(wait_status_)));
    const int code = WIFEXITED(wait_status_) ? WEXITSTATUS(wait_status_) : kFailed;
    return code >= kDone && code <= kInterrupted && !killed ? code : kFailed;
  }

  const pid_t mpirun_;
  const int signals_, report_;
  const bool checkpoints_;
  bool report_open_ = true;
  MpirunReport stderr_;
  int interrupts_ = 0, wait_status_ = 0;
  steady_clock::time_point ask_again_at_;
  std::optional<steady_clock::time_point> end_by_;
};

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

  int report[2];
  if (pipe2(report, O_CLOEXEC | O_NONBLOCK) != 0)
    return Error{ErrorCode::kUnavailable,
                 std::string("cannot make a pipe: ") + std::strerror(errno)};
  // mpirun and its ranks write as to any other stderr; only our end must not wait.
  fcntl(report[1], F_SETFL, 0);
  // Blocked before the fork, so that no signal is lost between it and the wait.
  const sigset_t signals = watched_signals();
  sigset_t before;
  sigprocmask(SIG_BLOCK, &signals, &before);
  const int signal_queue = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  const pid_t parent = getpid(), child = fork();
  if (child == 0) become_mpirun(command.data(), before, parent, report[1]);
  if (child < 0)
    return Error{ErrorCode::kUnavailable,
                 std::string("cannot start mpirun: ") + std::strerror(errno)};
  setpgid(child, child);  // the child does the same; whoever comes first
  close(report[1]);
  const int code = RunningMpirun(child, signal_queue, report[0], options.checkpoints).wait();
  close(report[0]);
  close(signal_queue);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  return code;
}

}  // namespace cairn::launcher
