#include "launcher/rank.h"

#include <fmt/core.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "common/metrics/file_sd.h"
#include "launcher/endpoints.h"
#include "launcher/exit_code.h"
#include "launcher/host.h"
#include "launcher/mpirun_report.h"
#include "launcher/placement.h"
#include "launcher/server_rank.h"
#include "launcher/signals.h"
#include "launcher/worker_rank.h"
#include "worker/collective/mpi_world.h"

namespace cairn::launcher {

namespace {

using namespace std::chrono_literals;

// One rank's side of the job. Each step is made by all ranks at once.
class Rank {
 public:
  Rank(collective::MpiWorld& world, const JobRequest& request)
      : world_(world), request_(request), everyone_(world.everyone([this] { while_waiting(); })) {}

  int run() {
    if (const int code = agree_on_job(); code != kDone) return code;
    if (const int code = agree_on_places(); code != kDone) return code;
    if (const int code = start(); code != kDone) return code;
    return work();
  }

 private:
  // The others' messages tell what happened; this one is for what cannot be told otherwise.
  [[noreturn]] void give_up(const Error& error) {
    give_up({exit_code_of(error.code), error.message, false});
  }
  [[noreturn]] void give_up(const training::WorkerOutcome& outcome) {
    print_error(outcome.message);
    std::error_code ignored;
    std::filesystem::remove_all(socket_folder(start_.incarnation), ignored);
    world_.abort(outcome.exit_code);
  }

  std::vector<std::string> exchange(std::string mine) {
    auto all = everyone_->all_gather(std::move(mine));
    if (!all.ok()) give_up(all.error());
    return std::move(all).value();
  }

  void while_waiting() {
    if (server_)
      if (const Status alive = server_->watch(); !alive.ok()) give_up(alive.error());
    std::this_thread::sleep_for(server_ ? 20ms : 1ms);
  }

  int rank() const { return static_cast<int>(everyone_->rank()); }

  // Every rank's report. Where one is of a failure, the exit code is everybody's, and rank 0 says
  // why: once, as ranks that fail together do so for one cause.
  int validate(const std::vector<std::string>& lines, std::vector<StartReport>& reports) {
    int code = kDone;
    std::string message;
    for (const std::string& line : lines) {
      auto report = parse_report(line);
      if (!report.ok()) give_up(report.error());
      reports.push_back(std::move(report).value());
      const StartReport& last = reports.back();
      if (last.exit_code > code || message.empty()) message = last.message;
      code = std::max(code, last.exit_code);
    }
    if (rank() == 0 && !message.empty()) print_error(message);
    return code;
  }

  int agree_on_job() {
    StartReport report;
    std::string line;
    if (rank() == 0) {
      auto prepared = prepare(request_);
      if (prepared.ok()) {
        const JobStart& start = prepared.value().start;
        folders_.emplace(std::move(prepared.value().folders));
        line = to_line(start);
      } else {
        report = {exit_code_of(prepared.error().code), prepared.error().message, {}, 0};
      }
    }
    std::vector<StartReport> reports;
    if (const int code = validate(exchange(to_line(report)), reports); code != kDone) return code;
    auto start = parse_start(exchange(std::move(line))[0]);
    if (!start.ok()) give_up(start.error());
    start_ = std::move(start).value();
    return kDone;
  }

  int agree_on_places() {
    hosts_ = exchange(host_identity());
    const JobConfig& job = start_.job;
    auto placed = place(hosts_, job.ps.servers, job.train.workers);
    const bool one_host = std::ranges::count(hosts_, hosts_[0]) == std::ssize(hosts_);
    auto pattern = endpoint_pattern(job.ps, one_host, start_.incarnation);
    for (const Error* error :
         {placed.ok() ? nullptr : &placed.error(), pattern.ok() ? nullptr : &pattern.error()}) {
      if (!error) continue;
      if (rank() == 0) print_error(*error);
      return exit_code_of(error->code);  // every rank has computed the same
    }
    roles_ = std::move(placed).value();
    pattern_ = std::move(pattern).value();
    mine_ = roles_[everyone_->rank()];
    if (rank() == 0 && request_.incarnation != 0) tell_roles();
    workers_ = world_.members_only(!mine_.is_server);
    return kDone;
  }

  // To the `cairn` that started this mpirun.
  void tell_roles() const {
    std::vector<std::string> names;
    for (const Role& role : roles_) names.push_back(name_of(role));
    const std::string line = roles_line(names);
    std::fwrite(line.data(), 1, line.size(), stderr);
    std::fflush(stderr);
  }

  // Servers come up, every process's metrics too.
  int start() {
    StartReport report;
    if (rank() == 0) remove_dead_socket_folders();
    if (rank() == 0 && pattern_.starts_with("ipc:"))
      if (const Status made = make_socket_folder(start_.incarnation); !made.ok())
        report = {exit_code_of(made.error().code), made.error().message, {}, 0};
    std::vector<StartReport> ignored;
    if (const int code = validate(exchange(to_line(report)), ignored); code != kDone) return code;

    report = mine_.is_server ? start_server() : start_worker();
    if (const int code = validate(exchange(to_line(report)), reports_); code != kDone) return code;
    for (const StartReport& of_rank : reports_)  // ranks of servers ascend with their shards
      endpoints_.insert(endpoints_.end(), of_rank.endpoints.begin(), of_rank.endpoints.end());
    return kDone;
  }

  StartReport start_server() {
    const uint32_t shards =
        servers_beside(hosts_, roles_, everyone_->rank()) * start_.job.ps.shards_per_server;
    ServerSpec spec;
    spec.job = start_.resolved;
    spec.incarnation = start_.incarnation;
    spec.rank = everyone_->rank();
    spec.server = mine_.index;
    spec.hot_bytes = hot_bytes_of_a_shard(start_.job.ps, shards);
    spec.endpoint = pattern_;
    if (start_.checkpoint) spec.checkpoint = start_.checkpoint->string();
    server_ = std::make_unique<ServerRank>(start_.job);
    return server_->start(spec);
  }

  StartReport start_worker() {
    worker_ = std::make_unique<WorkerRank>(start_.job, everyone_->rank(), mine_.index);
    return worker_->start();
  }

  // Rank 0 lists the endpoints for Prometheus. A run does without the list, if it must.
  void write_targets() {
    if (rank() != 0 || !start_.job.metrics.enabled) return;
    std::vector<ScrapeTarget> targets;
    for (uint32_t r = 0; r < reports_.size(); ++r)
      targets.push_back({scrape_address(start_.job.metrics, hosts_[r], reports_[r].metrics_port),
                         roles_[r].is_server ? "server" : "worker", r});
    if (const Status written = write_file_sd(start_.job.metrics.file_sd, targets); !written.ok())
      spdlog::warn("{}", written.error().message);
  }

  int work() {
    write_targets();
    StartReport end;
    if (worker_) {
      const training::WorkerOutcome outcome = worker_->run(request_, start_, endpoints_, *workers_);
      if (!outcome.agreed) give_up(outcome);
      end = {outcome.exit_code, outcome.message, {}, 0};
    }
    std::vector<StartReport> ends;
    int code = validate(exchange(to_line(end)), ends);  // servers wait here while workers work

    // A server process that outlived its rank would keep mpirun waiting.
    end = {};
    if (server_) end = server_->finish();
    server_.reset();
    ends.clear();
    code = std::max(code, validate(exchange(to_line(end)), ends));
    if (mine_.is_server && (code == kDone || code == kInterrupted))
      remove_live_stores(start_.job, start_.incarnation);
    return code;
  }

  collective::MpiWorld& world_;
  const JobRequest& request_;
  std::unique_ptr<collective::Collective> everyone_, workers_;
  std::optional<RunFolders> folders_;  // of rank 0
  JobStart start_;
  std::vector<std::string> hosts_;  // by rank, as the following
  std::vector<Role> roles_;
  std::vector<StartReport> reports_;
  std::vector<Endpoint> endpoints_;  // by shard
  std::string pattern_;              // of an endpoint
  Role mine_;
  std::unique_ptr<ServerRank> server_;  // one of these two
  std::unique_ptr<WorkerRank> worker_;
};

}  // namespace

int run_rank(const JobRequest& request) {
  take_sigusr1_as_interrupt();
  auto world = collective::MpiWorld::init();
  if (!world.ok()) return print_error(world.error());
  return Rank(*world.value(), request).run();
}

}  // namespace cairn::launcher
