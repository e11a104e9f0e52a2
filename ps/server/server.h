// A server: some shards of a job, each a thread with a socket, a log and a store of its own. A
// server runs inside a `cairn ps` process, or inside `cairn train --local`.
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
  // The endpoint that shard k binds to, after "{shard}" is replaced by k: tcp://ADDRESS:* (the
  // system chooses the port), ipc://PATH or inproc://NAME.
  std::string endpoint;
  std::filesystem::path state;                      // live stores: <state>/<incarnation>/shard-<k>
  std::optional<std::filesystem::path> checkpoint;  // to start from; else empty
  // Reopens the stores and logs that a server of this incarnation left behind, instead of
  // `checkpoint`.
  bool recover = false;
  // The endpoints that the shards bind to instead of `endpoint`, one per shard, as bound before.
  // May be empty.
  std::vector<Endpoint> endpoints;
};

// Thread safety: none; shards have threads of their own.
class Server {
 public:
  // Makes the stores, loads the checkpoint, binds, and starts the shards. Raises the process's
  // limit of open files as far as allowed, and makes the process ignore SIGXFSZ. Errors:
  // kUnavailable where an endpoint cannot be bound or the disk fails; kCorrupt where the checkpoint
  // does not hold what it says. With `recover`: those of reopen_shard, and kInvalidArgument where
  // `durability` keeps no log. Nothing runs on after an error. If a shard ends later, `failed` is
  // called with the reason, from any thread, at most once.
  static Result<std::unique_ptr<Server>> start(const ServerOptions& options,
                                               zmq::context_t& context, ServerMetrics& metrics,
                                               std::function<void(Error)> failed);
  virtual ~Server() = default;

  virtual std::vector<Endpoint> endpoints() const = 0;  // as bound, one per shard
  virtual const RecoveryReport& recovery() const = 0;   // of all shards; zeros without `recover`
};

}  // namespace cairn::ps
