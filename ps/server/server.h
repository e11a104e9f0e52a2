// A server: some shards of a job, each a thread with a socket, a log and a store of its own. Runs
// inside a `cairn ps` process, or inside `cairn train --local`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/config/job.h"
#include "common/metrics/metrics.h"
#include "common/net/endpoint.h"
#include "common/result.h"
#include "ps/recovery/reopened_shard.h"

namespace zmq {
class context_t;
}

namespace cairn::ps {

struct ServerOptions {
  JobConfig job;
  uint64_t incarnation = 0;
  uint32_t first_shard = 0;  // of this server; it hosts job.ps.shards_per_server of them
  uint32_t workers = 1;      // that will push
  uint64_t hot_bytes = 0;    // of one shard, `auto` resolved
  // Where shard k binds: tcp://ADDRESS:* (the system chooses the port), ipc://PATH or
  // inproc://NAME, after "{shard}" is replaced by k.
  std::string endpoint;
  std::filesystem::path state;                      // live stores: <state>/<incarnation>/shard-<k>
  std::optional<std::filesystem::path> checkpoint;  // to start from; else empty
  // Instead: reopens the stores and logs that a server of this incarnation left behind.
  bool recover = false;
  // Where the shards bind instead, one each: as they were bound before. May be empty.
  std::vector<Endpoint> endpoints;
};

// Thread safety: none; shards have threads of their own.
class Server {
 public:
  // Makes the stores, loads the checkpoint, binds, starts the shards; raises the process's limit of
  // open files to what it may be, and makes it ignore SIGXFSZ.
  // Errors: kUnavailable where an endpoint cannot be bound or the disk fails; kCorrupt where the
  // checkpoint does not hold what it says; with `recover` those of reopen_shard, and
  // kInvalidArgument where `durability` keeps no log. Nothing runs on then.
  // `failed` is called (from any thread, at most once) with the reason if a shard ends later.
  static Result<std::unique_ptr<Server>> start(const ServerOptions& options,
                                               zmq::context_t& context, ServerMetrics& metrics,
                                               std::function<void(Error)> failed);
  virtual ~Server() = default;

  virtual std::vector<Endpoint> endpoints() const = 0;  // as bound, one per shard
  virtual const RecoveryReport& recovery() const = 0;   // of all shards; zeros without `recover`
};

}  // namespace cairn::ps
