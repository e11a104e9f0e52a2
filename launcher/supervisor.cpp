#include "launcher/supervisor.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <fstream>
#include <thread>
#include <utility>

namespace cairn::launcher {

namespace {

using std::chrono::steady_clock;
constexpr std::chrono::milliseconds kBetweenLooks{20};
constexpr size_t kLogLines = 10;

Error system_error(const std::string& what) {
  return Error{ErrorCode::kUnavailable, what + ": " + std::strerror(errno)};
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  int get() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

// In the child of a fork: only calls that are safe there. `spec`, `ready`, `log` are above 4, see
// start().
[[noreturn]] void become_child(char* const* command, int nothing, int spec, int ready, int log) {
  std::signal(SIGUSR1, SIG_IGN);  // lasts across exec; handlers do not
  sigset_t no_signals;
  sigemptyset(&no_signals);
  sigprocmask(SIG_SETMASK, &no_signals, nullptr);
  dup2(nothing, STDIN_FILENO);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  dup2(spec, kSpecDescriptor);
  dup2(ready, kReadyDescriptor);
  close_range(kReadyDescriptor + 1, ~0u, 0);
  execv(command[0], command);
  _exit(127);
}

std::string last_lines(const std::filesystem::path& path) {
  std::ifstream file(path);
  // Long before the last lines there is nothing to read for them.
  file.seekg(0, std::ios::end);
  file.seekg(std::max<std::streamoff>(0, static_cast<std::streamoff>(file.tellg()) - 16'384));
  std::deque<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(std::move(line));
    if (lines.size() > kLogLines) lines.pop_front();
  }
  std::string text;
  for (const std::string& line : lines) text += "\n  | " + line;
  return text;
}

std::string how_it_ended(int wait_status) {
  if (WIFSIGNALED(wait_status))
    return fmt::format("was killed by signal {} ({})", WTERMSIG(wait_status),
                       strsignal(WTERMSIG(wait_status)));
  return fmt::format("ended with exit code {}", WEXITSTATUS(wait_status));
}

}  // namespace

Result<std::unique_ptr<Supervisor>> Supervisor::start(Options options) {
  std::error_code error;
  std::filesystem::create_directories(options.log.parent_path(), error);
  Descriptor log(open(options.log.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0666));
  if (log.get() < 0) return system_error("cannot write " + options.log.string());
  Descriptor nothing(open("/dev/null", O_RDONLY | O_CLOEXEC));

  int pipes[2][2];
  if (pipe2(pipes[0], O_CLOEXEC) != 0) return system_error("cannot make a pipe");
  Descriptor spec_read(pipes[0][0]), spec_write(pipes[0][1]);
  if (pipe2(pipes[1], O_CLOEXEC) != 0) return system_error("cannot make a pipe");
  Descriptor ready_read(pipes[1][0]), ready_write(pipes[1][1]);

  // Above the numbers that the child's dup2 calls write to, lest one replaces what the next one
  // reads.
  const auto moved_up = [](const Descriptor& descriptor) {
    return Descriptor(fcntl(descriptor.get(), F_DUPFD_CLOEXEC, kReadyDescriptor + 1));
  };
  const Descriptor child_log = moved_up(log), child_nothing = moved_up(nothing),
                   child_spec = moved_up(spec_read), child_ready = moved_up(ready_write);

  std::vector<char*> command;
  for (std::string& word : options.command) command.push_back(word.data());
  command.push_back(nullptr);

  const pid_t child = fork();
  if (child < 0) return system_error("cannot start " + options.name);
  if (child == 0)
    become_child(command.data(), child_nothing.get(), child_spec.get(), child_ready.get(),
                 child_log.get());

  std::unique_ptr<Supervisor> supervisor(
      new Supervisor(std::move(options), child, spec_write.release(), ready_read.release()));
  // A child that dies while it is told makes this fail with EPIPE, and `watch` tells why.
  std::signal(SIGPIPE, SIG_IGN);
  const std::string line = supervisor->options_.spec + "\n";
  for (size_t sent = 0; sent < line.size();) {
    const ssize_t count = write(supervisor->spec_, line.data() + sent, line.size() - sent);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) break;
    sent += static_cast<size_t>(count);
  }
  return supervisor;
}

Supervisor::Supervisor(Options options, pid_t child, int spec, int ready)
    : options_(std::move(options)), child_(child), spec_(spec), ready_(ready) {}

Supervisor::~Supervisor() {
  if (child_ != 0) {
    kill(child_, SIGKILL);
    while (waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  if (spec_ >= 0) close(spec_);
  close(ready_);
}

Result<std::string> Supervisor::wait_until_ready(std::chrono::seconds timeout) {
  const auto deadline = steady_clock::now() + timeout;
  std::string line;
  while (steady_clock::now() < deadline) {
    pollfd readable = {ready_, POLLIN, 0};
    if (poll(&readable, 1, static_cast<int>(kBetweenLooks.count())) <= 0) continue;
    char bytes[4096];
    const ssize_t count = read(ready_, bytes, sizeof(bytes));
    if (count < 0) continue;
    line.append(bytes, static_cast<size_t>(count));
    if (!line.empty() && line.back() == '\n') {
      line.pop_back();
      return line;
    }
    if (count > 0) continue;
    // The end: only the child held the other end, so it is ending, or has closed it without a word.
    if (reap()) return ended(wait_status_);
    std::this_thread::sleep_for(kBetweenLooks);
  }
  return Error{ErrorCode::kTimedOut,
               fmt::format("{} did not come up within {} s; its log is {}", options_.name,
                           timeout.count(), options_.log.string())};
}

Status Supervisor::watch() {
  if (const auto wait_status = reap()) return ended(*wait_status);
  return Ok{};
}

Status Supervisor::finish(std::chrono::seconds timeout) {
  if (spec_ >= 0) close(std::exchange(spec_, -1));
  const auto deadline = steady_clock::now() + timeout;
  while (steady_clock::now() < deadline) {
    if (const auto wait_status = reap()) {
      if (WIFEXITED(*wait_status) && WEXITSTATUS(*wait_status) == 0) return Ok{};
      return ended(*wait_status);
    }
    std::this_thread::sleep_for(kBetweenLooks);
  }
  kill(child_, SIGKILL);
  while (!reap()) std::this_thread::sleep_for(kBetweenLooks);
  return Error{ErrorCode::kTimedOut,
               fmt::format("{} did not finish within {} s and was killed; its log is {}",
                           options_.name, timeout.count(), options_.log.string())};
}

std::optional<int> Supervisor::reap() {
  if (child_ == 0) return wait_status_;
  if (waitpid(child_, &wait_status_, WNOHANG) != child_) return std::nullopt;
  child_ = 0;
  return wait_status_;
}

Error Supervisor::ended(int wait_status) const {
  return Error{ErrorCode::kUnavailable,
               fmt::format("{} {}; its log, {}, ends:{}", options_.name, how_it_ended(wait_status),
                           options_.log.string(), last_lines(options_.log))};
}

}  // namespace cairn::launcher
