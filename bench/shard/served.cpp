#include "bench/shard/served.h"

#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <zmq.hpp>

#include "bench/shard/bare_server.h"
#include "bench/shard/driver.h"
#include "common/check.h"
#include "ps/server/server.h"

namespace cairn {

namespace {

constexpr uint64_t kHotBytes = uint64_t{16} << 30;

void announce(const std::string& endpoint) {
  fmt::print("{}\n", endpoint);
  std::fflush(stdout);
}

[[noreturn]] void serve_shard(const ServedOptions& options) {
  ps::ServerOptions its;
  its.job.tables = bench_tables();
  its.job.ps.durability = options.durability == "process"   ? Durability::kProcess
                          : options.durability == "machine" ? Durability::kMachine
                                                            : Durability::kCheckpoint;
  its.job.ps.log_bytes_max = options.log_bytes_max;
  its.hot_bytes = kHotBytes;
  its.endpoint = "tcp://127.0.0.1:*";
  its.state = options.folder;
  zmq::context_t context(1);
  Metrics metrics("bench");
  const auto server = ps::Server::start(its, context, metrics.server(), [](const Error& error) {
    std::fprintf(stderr, "the served shard failed: %s\n", error.message.c_str());
    std::_Exit(1);
  });
  if (!server.ok()) {
    std::fprintf(stderr, "no shard to measure: %s\n", server.error().message.c_str());
    std::_Exit(1);
  }
  announce(server.value()->endpoints().front().address);
  for (;;) pause();
}

}  // namespace

ServedProcess::ServedProcess(const ServedOptions& options) : folder_(options.folder) {
  std::filesystem::remove_all(folder_);
  std::filesystem::create_directories(folder_);
  int ends[2];
  check(pipe(ends) == 0, "a pipe to a server");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  std::vector<std::string> words = {"shard_bench",
                                    "--serve",
                                    options.kind,
                                    options.durability,
                                    fmt::format("{}", options.rows),
                                    fmt::format("{}", options.log_bytes_max),
                                    folder_.string()};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  check(posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, arguments.data(), environ) == 0,
        "this program runs again");
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  output_ = ends[0];
  for (char c = 0; read(output_, &c, 1) == 1 && c != '\n';) endpoint_ += c;
  check(!endpoint_.empty(), "a server of the benchmark says where it listens");
}

ServedProcess::~ServedProcess() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  close(output_);
  std::filesystem::remove_all(folder_);
}

double ServedProcess::cpu_seconds() const {
  std::ifstream file(fmt::format("/proc/{}/stat", pid_));
  std::string word;
  long user = 0, system = 0;
  for (int i = 1; i <= 13; ++i) file >> word;  // the name has no spaces
  file >> user >> system;
  return static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

void serve(const std::vector<std::string>& arguments) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  check(arguments.size() == 5, "--serve KIND DURABILITY ROWS LOG_BYTES FOLDER");
  const ServedOptions options{.kind = arguments[0],
                              .durability = arguments[1],
                              .rows = std::stoull(arguments[2]),
                              .log_bytes_max = std::stoull(arguments[3]),
                              .folder = arguments[4]};
  if (options.kind == "shard") serve_shard(options);
  BareServer server(options.rows, options.durability == "checkpoint" ? std::filesystem::path()
                                                                     : options.folder / "log");
  announce(server.endpoint());
  server.run();
}

}  // namespace cairn
