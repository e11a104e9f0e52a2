#include "launcher/server_process.h"

#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <zmq.hpp>

#include "common/config/job_file.h"
#include "common/log.h"
#include "launcher/exit_code.h"
#include "launcher/keeper.h"
#include "launcher/serve_metrics.h"
#include "launcher/server_orders.h"
#include "ps/server/server.h"

namespace cairn {

namespace {

// Up to the first line's end, which `line` loses. False where the keeper went before it.
bool read_line(int descriptor, std::string& line) {
  for (char bytes[4096];;) {
    const ssize_t count = read(descriptor, bytes, sizeof(bytes));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    line.append(bytes, static_cast<size_t>(count));
    if (line.back() != '\n') continue;
    line.pop_back();
    return true;
  }
}

void answer(const StartReport& report) {
  const std::string line = to_line(report) + "\n";
  // Shorter than a pipe takes at once; a keeper that is gone ends this process otherwise.
  if (write(kReadyDescriptor, line.data(), line.size()) < 0)
    spdlog::warn("the keeper does not listen");
  close(kReadyDescriptor);
}

int refuse(const Error& error) {
  spdlog::error("{}", error.message);
  answer({exit_code_of(error.code), error.message, {}, 0});
  return exit_code_of(error.code);
}

// Until the keeper closes the orders (true) or a shard fails (false).
bool wait_for_end(int failed) {
  pollfd events[] = {{kOrdersDescriptor, POLLIN, 0}, {failed, POLLIN, 0}};
  for (;;) {
    if (poll(events, 2, -1) < 0) continue;
    if (events[1].revents != 0) return false;
    char bytes[64];
    if (events[0].revents != 0 && read(kOrdersDescriptor, bytes, sizeof(bytes)) <= 0) return true;
  }
}

ServerOptions server_options(const ServerOrders& orders, const JobConfig& job) {
  ServerOptions options;
  options.job = job;
  options.incarnation = orders.incarnation;
  options.first_shard = orders.server * job.ps.shards_per_server;
  options.workers = job.train.workers;
  options.hot_bytes = orders.hot_bytes;
  options.endpoint = orders.endpoint;
  options.state = job.ps.state;
  if (orders.checkpoint) options.checkpoint = *orders.checkpoint;
  options.recover = orders.recover;
  options.endpoints = orders.endpoints;
  return options;
}

// A server that takes a dead one's place serves where Prometheus looks for that one.
MetricsConfig metrics_config(const ServerOrders& orders, const JobConfig& job) {
  MetricsConfig config = job.metrics;
  if (orders.recover) config.port = orders.metrics_port;
  return config;
}

int serve(const ServerOrders& orders, const JobConfig& job) {
  Metrics metrics(kVersionText);
  std::atomic<bool> ready{false};
  auto http =
      serve_metrics(metrics_config(orders, job), orders.recover ? 0 : orders.rank, metrics, ready);
  if (!http.ok()) return refuse(http.error());

  const int failed = eventfd(0, EFD_CLOEXEC);
  zmq::context_t context(1);
  auto server = Server::start(server_options(orders, job), context, metrics.server(),
                              [failed](const Error& error) {
                                spdlog::error("a shard ended: {}", error.message);
                                eventfd_write(failed, 1);
                              });
  if (!server.ok()) return refuse(server.error());

  ready = true;
  const uint16_t port = http.value() ? http.value()->port() : uint16_t{0};
  const RecoveryReport& recovery = server.value()->recovery();
  if (orders.recover)
    spdlog::info("recovered in {:.2f} s: {} row gradients of {} rows read from the log",
                 recovery.seconds, recovery.logged_rows, recovery.unique_keys);
  std::vector<std::string> lost;
  for (const StorageLoss& loss : recovery.lost) lost.push_back(loss.why);
  for (const std::string& why : lost) spdlog::error("{}", why);
  answer({kDone, "", server.value()->endpoints(), port, lost});
  if (!wait_for_end(failed)) {
    spdlog::default_logger()->flush();
    _exit(kFailed);  // the other shards may wait for what will not come
  }
  return kDone;
}

}  // namespace

int run_server_process(pid_t keeper) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != keeper) return kFailed;  // it died before the line above

  std::string line;
  if (!read_line(kOrdersDescriptor, line)) return kFailed;
  const auto orders = parse_orders(line);
  if (!orders.ok()) return refuse(orders.error());
  if (const Status log = init_log("server", orders.value().server, "info"); !log.ok())
    return refuse(log.error());
  const JobFileResult loaded = parse_job(orders.value().job, "the job of the keeper");
  if (!loaded.ok())
    return refuse(Error{ErrorCode::kInvalidArgument, to_string(loaded.diagnostics)});
  return serve(orders.value(), loaded.job);
}

}  // namespace cairn
