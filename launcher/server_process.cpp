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
#include "launcher/serve_metrics.h"
#include "launcher/server_spec.h"
#include "launcher/supervisor.h"
#include "ps/server/server.h"

namespace cairn::launcher {

namespace {

// Up to the first line's end, which `line` loses. False where the supervisor went before it.
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
  // Shorter than a pipe takes at once; a supervisor that is gone ends this process otherwise.
  if (write(kReadyDescriptor, line.data(), line.size()) < 0)
    spdlog::warn("the supervisor does not listen");
  close(kReadyDescriptor);
}

int refuse(const Error& error) {
  spdlog::error("{}", error.message);
  answer({exit_code_of(error.code), error.message, {}, 0});
  return exit_code_of(error.code);
}

// Until the supervisor closes the spec (true) or a shard fails (false).
bool wait_for_end(int failed) {
  pollfd events[] = {{kSpecDescriptor, POLLIN, 0}, {failed, POLLIN, 0}};
  for (;;) {
    if (poll(events, 2, -1) < 0) continue;
    if (events[1].revents != 0) return false;
    char bytes[64];
    if (events[0].revents != 0 && read(kSpecDescriptor, bytes, sizeof(bytes)) <= 0) return true;
  }
}

ps::ServerOptions server_options(const ServerSpec& spec, const JobConfig& job) {
  ps::ServerOptions options;
  options.job = job;
  options.incarnation = spec.incarnation;
  options.first_shard = spec.server * job.ps.shards_per_server;
  options.workers = job.train.workers;
  options.hot_bytes = spec.hot_bytes;
  options.endpoint = spec.endpoint;
  options.state = job.ps.state;
  if (spec.checkpoint) options.checkpoint = *spec.checkpoint;
  options.recover = spec.recover;
  options.endpoints = spec.endpoints;
  return options;
}

// A server that takes a dead one's place serves where Prometheus looks for that one.
MetricsConfig metrics_config(const ServerSpec& spec, const JobConfig& job) {
  MetricsConfig config = job.metrics;
  if (spec.recover) config.port = spec.metrics_port;
  return config;
}

int serve(const ServerSpec& spec, const JobConfig& job) {
  Metrics metrics(kVersionText);
  std::atomic<bool> ready{false};
  auto http =
      serve_metrics(metrics_config(spec, job), spec.recover ? 0 : spec.rank, metrics, ready);
  if (!http.ok()) return refuse(http.error());

  const int failed = eventfd(0, EFD_CLOEXEC);
  zmq::context_t context(1);
  auto server = ps::Server::start(server_options(spec, job), context, metrics.server(),
                                  [failed](const Error& error) {
                                    spdlog::error("a shard ended: {}", error.message);
                                    eventfd_write(failed, 1);
                                  });
  if (!server.ok()) return refuse(server.error());

  ready = true;
  const uint16_t port = http.value() ? http.value()->port() : uint16_t{0};
  const ps::RecoveryReport& recovery = server.value()->recovery();
  if (spec.recover)
    spdlog::info("recovered in {:.2f} s: {} row gradients of {} rows read from the log",
                 recovery.seconds, recovery.logged_rows, recovery.unique_keys);
  std::vector<std::string> lost;
  for (const ps::StorageLoss& loss : recovery.lost) lost.push_back(loss.why);
  for (const std::string& why : lost) spdlog::error("{}", why);
  answer({kDone, "", server.value()->endpoints(), port, lost});
  if (!wait_for_end(failed)) {
    spdlog::default_logger()->flush();
    _exit(kFailed);  // the other shards may wait for what will not come
  }
  return kDone;
}

}  // namespace

int run_server_process(pid_t supervisor) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != supervisor) return kFailed;  // it died before the line above

  std::string line;
  if (!read_line(kSpecDescriptor, line)) return kFailed;
  const auto spec = parse_spec(line);
  if (!spec.ok()) return refuse(spec.error());
  if (const Status log = init_log("server", spec.value().server, "info"); !log.ok())
    return refuse(log.error());
  const JobFileResult loaded = parse_job(spec.value().job, "the job of the supervisor");
  if (!loaded.ok())
    return refuse(Error{ErrorCode::kInvalidArgument, to_string(loaded.diagnostics)});
  return serve(spec.value(), loaded.job);
}

}  // namespace cairn::launcher
