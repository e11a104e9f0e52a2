#include "ps/server.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <atomic>
#include <random>
#include <utility>

#include "ps/boot_id.h"
#include "ps/checkpoint_store.h"
#include "ps/file_push_log.h"
#include "ps/null_push_log.h"
#include "ps/rocks_cold_store.h"
#include "ps/shard_loop.h"

namespace cairn {

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

uint64_t random_boot() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

class ShardServer final : public Server {
 public:
  explicit ShardServer(std::function<void(Error)> failed)
      : failure_(std::make_unique<FirstFailure>(std::move(failed))) {}

  Status add_shard(const ServerOptions& options, uint32_t shard, uint64_t boot,
                   const std::optional<CheckpointSource>& source, zmq::context_t& context,
                   ServerMetrics& metrics);

  std::vector<std::string> endpoints() const override {
    std::vector<std::string> endpoints;
    for (const std::unique_ptr<ShardLoop>& loop : loops_) endpoints.push_back(loop->endpoint());
    return endpoints;
  }

 private:
  std::unique_ptr<FirstFailure> failure_;
  std::vector<std::unique_ptr<ShardLoop>> loops_;  // last: their threads report failures
};

Status ShardServer::add_shard(const ServerOptions& options, uint32_t shard, uint64_t boot,
                              const std::optional<CheckpointSource>& source,
                              zmq::context_t& context, ServerMetrics& metrics) {
  const JobConfig& job = options.job;
  const std::filesystem::path folder =
      options.state / fmt::format("{:016x}", options.incarnation) / fmt::format("shard-{}", shard);
  ShardOptions its;
  its.shard = shard;
  its.slots = SlotMap{.shards = job.shards()};
  its.incarnation = options.incarnation;
  its.boot = boot;
  its.workers = options.workers;
  its.seed = job.train.seed;
  its.hot_bytes = options.hot_bytes;
  its.log_bytes_max = job.ps.log_bytes_max;
  its.tables = job.tables;

  Result<MadeStore> made =
      make_store(folder / "store", job.tables, its.slots.range_of(shard), source);
  if (!made.ok()) return made.error();
  its.applied_step = made.value().applied_step;
  its.next_lsn = made.value().next_lsn;
  if (source.has_value()) its.rows = std::nullopt;

  ShardLoop::Stores stores;
  stores.store =
      std::make_unique<RocksColdStore>(std::move(made.value().store), job.ps.read_threads);
  Result<std::string> boot_id = kernel_boot_id();
  if (!boot_id.ok()) return boot_id.error();
  FilePushLogOptions log_options{.folder = folder / "log",
                                 .next_lsn = its.next_lsn,
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
  Result<std::unique_ptr<ShardLoop>> loop =
      ShardLoop::start(std::move(its), context, endpoint_of(options.endpoint, shard),
                       std::move(stores), metrics.shard(shard),
                       [failure = failure_.get()](const Error& error) { failure->report(error); });
  if (!loop.ok()) return loop.error();
  loops_.push_back(std::move(loop).value());
  return Ok{};
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, zmq::context_t& context,
                                              ServerMetrics& metrics,
                                              std::function<void(Error)> failed) {
  std::optional<CheckpointSource> source;
  if (options.checkpoint.has_value()) {
    Result<CheckpointManifest> manifest = read_manifest(*options.checkpoint);
    if (!manifest.ok()) return manifest.error();
    source = CheckpointSource{*options.checkpoint, std::move(manifest).value()};
  }
  raise_open_files_limit();
  const uint64_t boot = random_boot();
  auto server = std::make_unique<ShardServer>(std::move(failed));
  for (uint32_t i = 0; i < options.job.ps.shards_per_server; ++i) {
    const Status status =
        server->add_shard(options, options.first_shard + i, boot, source, context, metrics);
    if (!status.ok()) return status.error();
  }
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace cairn
