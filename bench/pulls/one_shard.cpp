#include "bench/pulls/one_shard.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "ps/server/server.h"

namespace cairn {

ServerProcess::ServerProcess(uint32_t workers) : folder_("runs/bench-pulls") {
  std::filesystem::remove_all(folder_);
  std::filesystem::create_directories(folder_);
  int ends[2];
  check(pipe(ends) == 0, "a pipe to a server");
  pid_ = fork();
  check(pid_ >= 0, "a process for the server");
  if (pid_ == 0) serve(workers, ends[1]);
  close(ends[1]);
  for (char c = 0; read(ends[0], &c, 1) == 1 && c != '\n';) endpoint_ += c;
  close(ends[0]);
  check(!endpoint_.empty(), "the server says where it listens");
}

ServerProcess::~ServerProcess() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  std::filesystem::remove_all(folder_);
}

client::PsClientOptions ServerProcess::client_options(uint32_t worker) const {
  client::PsClientOptions options;
  options.endpoints = {endpoint_};
  options.slots = {1, 1};
  options.worker = worker;
  options.table_dims = {kDim};
  return options;
}

void ServerProcess::serve(uint32_t workers, int output) const {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  ps::ServerOptions options;
  options.job.tables = {{.name = "ids", .dim = kDim}};
  options.job.tables[0].optimizer.name = "adagrad";
  options.workers = workers;
  options.hot_bytes = uint64_t{4} << 30;
  options.endpoint = "tcp://127.0.0.1:*";
  options.state = folder_;
  zmq::context_t context(1);
  Metrics metrics("bench");
  const auto server = ps::Server::start(options, context, metrics.server(), [](const Error& error) {
    fmt::print(stderr, "the server failed: {}\n", error.message);
    std::_Exit(1);
  });
  if (!server.ok()) fmt::print(stderr, "no server to measure: {}\n", server.error().message);
  if (!server.ok()) std::_Exit(1);
  const std::string line = server.value()->endpoints().front().address + "\n";
  check(write(output, line.data(), line.size()) == static_cast<ssize_t>(line.size()), "a line");
  close(output);
  for (;;) pause();
}

std::string spread(std::vector<double> values, int digits) {
  std::ranges::sort(values);
  return fmt::format("{:.{}f} ({:.{}f} to {:.{}f})", values[values.size() / 2], digits,
                     values.front(), digits, values.back(), digits);
}

size_t rounds_wanted(int argc, char** argv, size_t rounds) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag == "--long") continue;  // of other benchmarks
    if (flag == "--skip") return 0;
    if (flag != "--rounds" || i + 1 == argc) {
      fmt::print(stderr, "usage: {} [--rounds N]\n", argv[0]);
      std::exit(2);
    }
    rounds = std::max<size_t>(1, std::stoul(argv[++i]));
  }
  return rounds;
}

}  // namespace cairn
