// The server process that the tests here kill and starve: chaos_server STATE ENDPOINT new|recover
// [recovery=report] [log_bytes_max=N] [hot_bytes=N]. Says "ready" once it serves, and ends with its
// standard input.
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <zmq.hpp>

#include "ps/server/server.h"
#include "tests/chaos/chaos_job.h"

namespace {

bool apply(std::string_view setting, cairn::ps::ServerOptions& options) {
  const size_t equals = setting.find('=');
  if (equals == std::string_view::npos) return false;
  const std::string_view key = setting.substr(0, equals);
  const std::string value(setting.substr(equals + 1));
  if (setting == "recovery=report")
    options.job.ps.recovery = cairn::Recovery::kReport;
  else if (key == "log_bytes_max")
    options.job.ps.log_bytes_max = std::stoull(value);
  else if (key == "hot_bytes")
    options.hot_bytes = std::stoull(value);
  else
    return false;
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  using namespace cairn;
  if (count < 4) return 2;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  ps::ServerOptions options;
  options.job = chaos_job();
  options.incarnation = kChaosIncarnation;
  options.workers = kChaosWorkers;
  options.hot_bytes = chaos_hot_bytes();
  options.state = arguments[1];
  options.endpoint = arguments[2];
  options.recover = std::string_view(arguments[3]) == "recover";
  for (int i = 4; i < count; ++i)
    if (!apply(arguments[i], options)) return 2;
  zmq::context_t context(1);
  Metrics metrics("test");
  const auto server = ps::Server::start(options, context, metrics.server(), [](const Error& error) {
    std::fprintf(stderr, "chaos_server: %s\n", error.message.c_str());
    std::_Exit(1);
  });
  if (!server.ok()) {
    std::fprintf(stderr, "chaos_server: %s\n", server.error().message.c_str());
    return 1;
  }
  std::puts("ready");
  std::fflush(stdout);
  for (char byte; read(STDIN_FILENO, &byte, 1) > 0;) {
  }
  return 0;
}
