#include "launcher/local.h"

#include <fmt/core.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <thread>
#include <zmq.hpp>

#include "common/log.h"
#include "common/metrics/file_sd.h"
#include "launcher/endpoints.h"
#include "launcher/exit_code.h"
#include "launcher/host.h"
#include "launcher/signals.h"
#include "launcher/worker_rank.h"
#include "ps/server/server.h"
#include "worker/collective/memory_collective.h"

namespace cairn::launcher {

namespace {

// Others may wait for what failed, and they are threads: only the process's end frees them.
[[noreturn]] void end_process(const training::WorkerOutcome& outcome) {
  print_error(outcome.message);
  _exit(outcome.exit_code);
}

[[noreturn]] void shard_failed(const Error& error) {
  end_process({kFailed, "a shard ended: " + error.message, false});
}

using Servers = std::vector<std::unique_ptr<ps::Server>>;

Result<Servers> start_servers(const JobStart& start, zmq::context_t& context, Metrics& metrics) {
  Servers servers;
  const PsConfig& ps = start.job.ps;
  for (uint32_t i = 0; i < ps.servers; ++i) {
    ps::ServerOptions options;
    options.job = start.job;
    options.incarnation = start.incarnation;
    options.first_shard = i * ps.shards_per_server;
    options.workers = start.job.train.workers;
    options.hot_bytes = hot_bytes_of_a_shard(ps, start.job.shards());
    options.endpoint = "inproc://shard-{shard}";
    options.state = ps.state;
    options.checkpoint = start.checkpoint;
    auto server = ps::Server::start(options, context, metrics.server(), shard_failed);
    if (!server.ok()) return server.error();
    servers.push_back(std::move(server).value());
  }
  return servers;
}

// Held while servers make their folders, and taken by who removes them early.
std::timed_mutex making_folders;

void remove_early(const std::vector<std::filesystem::path>& folders) {
  // A large checkpoint may take longer to load than a user waits; what it makes is then left.
  const std::unique_lock lock(making_folders, std::chrono::seconds(5));
  for (const auto& folder : folders) remove_folder(folder);
  _exit(kFailed);  // with the lock held: none is made again
}

// One thread per worker; the first message of the lowest rank that has one is said.
int run_workers(const JobRequest& request, const JobStart& start, const Servers& servers,
                zmq::context_t& context, Metrics& metrics) {
  std::vector<Endpoint> endpoints;
  for (const auto& server : servers)
    for (Endpoint& endpoint : server->endpoints()) endpoints.push_back(std::move(endpoint));
  const training::WorkerOptions options = worker_options(request, start, endpoints);
  const std::vector<std::string> tasks = task_names(start.job);
  auto collectives = collective::make_memory_collectives(start.job.train.workers);
  std::vector<training::WorkerOutcome> outcomes(collectives.size());
  {
    std::vector<std::jthread> threads;
    for (uint32_t w = 0; w < collectives.size(); ++w)
      threads.emplace_back([&, w] {
        outcomes[w] =
            run_worker_to_its_end(options, *collectives[w], context, metrics.worker(w, tasks));
        if (!outcomes[w].agreed) end_process(outcomes[w]);
      });
  }
  const auto said = std::ranges::find_if(
      outcomes, [](const training::WorkerOutcome& outcome) { return !outcome.message.empty(); });
  if (said != outcomes.end()) print_error(said->message);
  return std::ranges::max(outcomes, {}, &training::WorkerOutcome::exit_code).exit_code;
}

int run(const JobRequest& request, const JobStart& start) {
  if (const Status log = init_log("local", 0, "info"); !log.ok()) return print_error(log.error());
  Metrics metrics(kVersionText);
  std::atomic<bool> ready{false};
  auto http = serve_metrics(start.job.metrics, 0, metrics, ready);
  if (!http.ok()) return print_error(http.error());
  if (http.value()) {
    const ScrapeTarget target = {
        scrape_address(start.job.metrics, host_name(), http.value()->port()), "local", 0};
    if (const Status written = write_file_sd(start.job.metrics.file_sd, {&target, 1});
        !written.ok())
      spdlog::warn("{}", written.error().message);
  }

  zmq::context_t context(1);
  making_folders.lock();
  auto servers = start_servers(start, context, metrics);
  making_folders.unlock();
  if (!servers.ok()) return print_error(servers.error());
  ready = true;
  const int code = run_workers(request, start, servers.value(), context, metrics);
  servers.value().clear();
  if (code == kDone || code == kInterrupted) remove_live_stores(start.job, start.incarnation);
  return code;
}

}  // namespace

int run_local(const JobRequest& request) {
  const bool train = request.mode == training::WorkerMode::kTrain;
  if (train) take_signals_as_interrupt();
  auto prepared = prepare(request);
  if (!prepared.ok()) return print_error(prepared.error());
  if (!train)
    stop_at_signals([folders = prepared.value().folders.temporary()] { remove_early(folders); });
  return run(request, prepared.value().start);
}

}  // namespace cairn::launcher
