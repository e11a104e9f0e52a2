#include "ps/server/server.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <future>
#include <random>
#include <utility>

#include "common/check.h"
#include "ps/log/file_push_log.h"
#include "ps/log/null_push_log.h"
#include "ps/server/shard_loop.h"
#include "ps/store/checkpoint_store.h"
#include "ps/store/rocks_cold_store.h"
#include "ps/store/store_salvage.h"
#include "ps/system/boot_id.h"

namespace cairn::ps {

namespace {

// A shard that fails is reported once, whichever it is and whatever fails behind it.
class FirstFailure {
 public:
  explicit FirstFailure(std::function<void(Error)> failed) : failed_(std::move(failed)) {}
  void report(const Error& error) {
    if (!reported_.exchange(true)) failed_(error);
  }

 private:
  const std::function<void(Error)> failed_;
  std::atomic<bool> reported_ = false;
};

std::string endpoint_of(std::string endpoint, uint32_t shard) {
  constexpr std::string_view kShard = "{shard}";
  if (const size_t at = endpoint.find(kShard); at != std::string::npos)
    endpoint.replace(at, kShard.size(), std::to_string(shard));
  return endpoint;
}

// The stores of a process together want more open files than the soft limit usually allows, which
// is low for the sake of select(2) alone. Where the system refuses, that limit has to do.
void raise_open_files_limit() {
  rlimit limit;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// A limit of file sizes is then an error of the write that meets it, which names the file, and no
// death by a signal.
void ignore_file_size_signal() { std::signal(SIGXFSZ, SIG_IGN); }

uint64_t random_server_run() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

std::filesystem::path folder_of(const ServerOptions& options, uint32_t shard) {
  return options.state / fmt::format("{:016x}", options.incarnation) /
         fmt::format("shard-{}", shard);
}

SlotRange slots_of(const ServerOptions& options, uint32_t shard) {
  return SlotMap{.shards = options.job.shards()}.range_of(shard);
}

// The state that a shard starts from.
struct ShardStart {
  MadeStore made;
  std::optional<RecoveredShard> recovered;
  std::optional<LogEnd> log_end;
  RecoveryReport report;
  std::vector<StorageLoss> losses;
};

Result<ShardStart> make_shard(const ServerOptions& options, uint32_t shard,
                              const std::optional<CheckpointSource>& source) {
  Result<MadeStore> made = make_store(folder_of(options, shard) / "store", options.job.tables,
                                      slots_of(options, shard), source);
  if (!made.ok()) return made.error();
  ShardStart start;
  start.made = std::move(made).value();
  return start;
}

Result<ShardStart> recover_shard(const ServerOptions& options, uint32_t shard) {
  const JobConfig& job = options.job;
  Result<ReopenedShard> reopened = reopen_shard(folder_of(options, shard), job.ps,
                                                {.slots = slots_of(options, shard),
                                                 .workers = options.workers,
                                                 .seed = job.train.seed,
                                                 .hot_bytes = options.hot_bytes,
                                                 .tables = job.tables,
                                                 .sequences = {}});
  if (!reopened.ok())
    return Error{reopened.error().code,
                 fmt::format("shard {}: {}", shard, reopened.error().message)};
  ReopenedShard& its = reopened.value();
  ShardStart start;
  start.made.store = std::move(its.store);
  start.made.next_lsn = its.next_lsn;
  start.recovered = std::move(its.shard);
  start.log_end = std::move(its.log_end);
  start.report = std::move(its.report);
  start.losses = std::move(its.losses);
  return start;
}

// Prepares all shards of the server, at once where they recover: each for itself keeps few cores
// busy.
Result<std::vector<ShardStart>> prepare_shards(const ServerOptions& options) {
  std::optional<CheckpointSource> source;
  if (options.checkpoint.has_value() && !options.recover) {
    Result<CheckpointManifest> manifest = read_manifest(*options.checkpoint);
    if (!manifest.ok()) return manifest.error();
    source = CheckpointSource{*options.checkpoint, std::move(manifest).value()};
  }
  std::vector<std::future<Result<ShardStart>>> coming;
  for (uint32_t i = 0; i < options.job.ps.shards_per_server; ++i) {
    const uint32_t shard = options.first_shard + i;
    coming.push_back(
        options.recover
            ? std::async(std::launch::async, [&, shard] { return recover_shard(options, shard); })
            : std::async(std::launch::deferred,
                         [&, shard] { return make_shard(options, shard, source); }));
  }
  std::vector<ShardStart> starts;
  std::optional<Error> failed;
  for (auto& future : coming) {
    Result<ShardStart> start = future.get();
    if (start.ok())
      starts.push_back(std::move(start).value());
    else if (!failed.has_value())
      failed = start.error();
    if (failed.has_value() && !options.recover) break;  // no more need be made
  }
  if (failed.has_value()) return *failed;
  return starts;
}

// Gives what takes note of the error that ends a shard. Under `report` its next life hears of a
// damaged store.
std::function<void(const Error&)> failure_of_shard(const ServerOptions& options, uint32_t shard,
                                                   FirstFailure* failure) {
  if (options.job.ps.recovery == Recovery::kStrict)
    return [failure](const Error& error) { failure->report(error); };
  return [failure, store = folder_of(options, shard) / "store"](const Error& error) {
    if (error.code != ErrorCode::kCorrupt) return failure->report(error);
    const Status marked = mark_damaged(store, error.message);
    failure->report(marked.ok() ? error
                                : Error{error.code, fmt::format("{}; {}", error.message,
                                                                marked.error().message)});
  };
}

class ShardServer final : public Server {
 public:
  explicit ShardServer(std::function<void(Error)> failed)
      : failure_(std::make_unique<FirstFailure>(std::move(failed))) {}

  Status add_shard(const ServerOptions& options, uint32_t index, uint64_t server_run,
                   ShardStart start, zmq::context_t& context, ServerMetrics& metrics);

  std::vector<Endpoint> endpoints() const override {
    std::vector<Endpoint> endpoints;
    for (const std::unique_ptr<ShardLoop>& loop : loops_) endpoints.push_back(loop->endpoint());
    return endpoints;
  }
  const RecoveryReport& recovery() const override { return recovery_; }

 private:
  std::unique_ptr<FirstFailure> failure_;
  RecoveryReport recovery_;
  std::vector<std::unique_ptr<ShardLoop>> loops_;  // last: their threads report failures
};

Status ShardServer::add_shard(const ServerOptions& options, uint32_t index, uint64_t server_run,
                              ShardStart start, zmq::context_t& context, ServerMetrics& metrics) {
  const JobConfig& job = options.job;
  const uint32_t shard = options.first_shard + index;
  ShardOptions its;
  its.shard = shard;
  its.slots = SlotMap{.shards = job.shards()};
  its.incarnation = options.incarnation;
  its.server_run = server_run;
  its.workers = options.workers;
  its.seed = job.train.seed;
  its.hot_bytes = options.hot_bytes;
  its.log_bytes_max = job.ps.log_bytes_max;
  its.removal_period = job.ps.removal_period;
  its.tables = job.tables;
  its.applied_step = start.made.applied_step;
  its.next_lsn = start.made.next_lsn;
  its.filters = std::move(start.made.filters);
  its.losses = to_json(start.losses);
  if (options.checkpoint.has_value()) its.rows = std::nullopt;

  ShardLoop::Stores stores;
  stores.store = std::make_unique<RocksColdStore>(std::move(start.made.store), job.ps.read_threads);
  Result<std::string> boot_id = kernel_boot_id();
  if (!boot_id.ok()) return boot_id.error();
  FilePushLogOptions log_options{.folder = folder_of(options, shard) / "log",
                                 .next_lsn = its.next_lsn,
                                 .after = std::move(start.log_end),
                                 .durability = job.ps.durability,
                                 .boot_id = std::move(boot_id).value(),
                                 .bytes_max = job.ps.log_bytes_max};
  stores.open_log = [log_options = std::move(log_options)](
                        PushLog::Logged logged) -> Result<std::unique_ptr<PushLog>> {
    if (log_options.durability == Durability::kCheckpoint)
      return std::unique_ptr<PushLog>(std::make_unique<NullPushLog>(std::move(logged)));
    Result<std::unique_ptr<FilePushLog>> log = FilePushLog::open(log_options, std::move(logged));
    if (!log.ok()) return log.error();
    return std::unique_ptr<PushLog>(std::move(log).value());
  };
  stores.recovered = std::move(start.recovered);
  const Endpoint endpoint = options.endpoints.empty()
                                ? Endpoint(endpoint_of(options.endpoint, shard))
                                : options.endpoints.at(index);
  ShardMetrics& shard_metrics = metrics.shard(shard);
  shard_metrics.recovery_seconds.Set(start.report.seconds);
  shard_metrics.recovery_rows.Set(static_cast<double>(start.report.logged_rows));
  for (const StorageLoss& loss : start.report.lost) {
    shard_metrics.recovery_lost_records.Increment(static_cast<double>(loss.records()));
    shard_metrics.recovery_lost_gradients.Increment(static_cast<double>(loss.gradients));
    shard_metrics.recovery_lost_slots.Increment(
        static_cast<double>(loss.slots.last - loss.slots.first));
  }
  recovery_.add(start.report);
  Result<std::unique_ptr<ShardLoop>> loop =
      ShardLoop::start(std::move(its), context, endpoint, std::move(stores), shard_metrics,
                       failure_of_shard(options, shard, failure_.get()));
  if (!loop.ok()) return loop.error();
  loops_.push_back(std::move(loop).value());
  return Ok{};
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, zmq::context_t& context,
                                              ServerMetrics& metrics,
                                              std::function<void(Error)> failed) {
  check(options.endpoints.empty() || options.endpoints.size() == options.job.ps.shards_per_server,
        "one endpoint per shard");
  if (options.recover && options.job.ps.durability == Durability::kCheckpoint)
    return Error{ErrorCode::kInvalidArgument,
                 "ps.durability: checkpoint keeps no log that a server could recover from"};
  raise_open_files_limit();
  ignore_file_size_signal();
  Result<std::vector<ShardStart>> starts = prepare_shards(options);
  if (!starts.ok()) return starts.error();
  const uint64_t server_run = random_server_run();
  auto server = std::make_unique<ShardServer>(std::move(failed));
  for (uint32_t i = 0; i < starts.value().size(); ++i) {
    const Status status =
        server->add_shard(options, i, server_run, std::move(starts.value()[i]), context, metrics);
    if (!status.ok()) return status.error();
  }
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace cairn::ps
