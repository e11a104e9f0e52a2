// A shard at work: the thread that owns it, the ROUTER that its peers connect to, its log and its
// store. The thread polls and blocks; it never spins. No peer can block it: a reply that does not
// fit into a peer's queue, or whose peer is gone, is dropped. The peer asks again.
//
// Thread safety: none needed. Only `start` and the destructor act, and the owner calls both.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <zmq.hpp>

#include "common/net/endpoint.h"
#include "ps/shard/shard.h"
#include "ps/system/completion_queue.h"

namespace cairn::ps {

class ShardLoop {
 public:
  struct Stores {
    std::function<Result<std::unique_ptr<PushLog>>(PushLog::Logged)> open_log;
    std::unique_ptr<ColdStore> store;
    std::optional<RecoveredShard> recovered = std::nullopt;  // as of Shard::create
  };

  // Binds `endpoint` (tcp://ADDRESS:* lets the system choose the port; ipc://PATH; inproc://NAME)
  // and starts the thread. Returns once the log's first record, a replay start, is acknowledged.
  // Errors: kUnavailable if the endpoint cannot be bound or the log cannot be opened;
  // kInvalidArgument for tables that cannot be served. When log or store fail, the shard's thread
  // calls `failed`, at most once.
  static Result<std::unique_ptr<ShardLoop>> start(ShardOptions options, zmq::context_t& context,
                                                  const Endpoint& endpoint, Stores stores,
                                                  ShardMetrics& metrics,
                                                  std::function<void(Error)> failed);
  ~ShardLoop();
  ShardLoop(const ShardLoop&) = delete;

  const Endpoint& endpoint() const { return endpoint_; }  // as bound

 private:
  class Router;

  ShardLoop();
  void run();

  Endpoint endpoint_;
  // The order matters. Log and store post into the queue until they are gone; the shard uses all of
  // these.
  std::unique_ptr<CompletionQueue> completions_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<ColdStore> store_;
  std::unique_ptr<PushLog> log_;
  std::unique_ptr<Shard> shard_;
  std::atomic<bool> stop_ = false;
  std::jthread thread_;
};

}  // namespace cairn::ps
