// The server process that the kill test kills: chaos_server STATE ENDPOINT new|recover. Says
// "ready" once it serves, and ends with its standard input.
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <zmq.hpp>

#include "ps/server.h"
#include "tests/chaos/chaos_job.h"

int main(int count, char** arguments) {
  using namespace cairn;
  if (count != 4) return 2;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  ServerOptions options;
  options.job = chaos_job();
  options.incarnation = kChaosIncarnation;
  options.workers = kChaosWorkers;
  options.hot_bytes = chaos_hot_bytes();
  options.state = arguments[1];
  options.endpoint = arguments[2];
  options.recover = std::string_view(arguments[3]) == "recover";
  zmq::context_t context(1);
  Metrics metrics("test");
  const auto server = Server::start(options, context, metrics.server(), [](const Error& error) {
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
