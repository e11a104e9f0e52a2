// A shard at work: the thread that owns it, the ROUTER that its peers connect to, its log and its
// store. Blocking polls, no spinning; nothing that a peer does or omits can block it: a reply that
// does not fit into a peer's queue, or whose peer is gone, is dropped, as the peer asks again.
//
// Thread safety: none needed; only `start` and the destructor act, both by the owner.
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
  // and starts the thread; returns once the log's first record, a replay start, is acknowledged.
  // Errors: kUnavailable if it cannot be bound or the log cannot be opened, kInvalidArgument for
  // tables that cannot be served. `failed` is called at most once, from the shard's thread, when
  // log or store fail.
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
  // The order matters: log and store post into the queue until they are gone, the shard uses them
  // all.
  std::unique_ptr<CompletionQueue> completions_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<ColdStore> store_;
  std::unique_ptr<PushLog> log_;
  std::unique_ptr<Shard> shard_;
  std::atomic<bool> stop_ = false;
  std::jthread thread_;
};

}  // namespace cairn::ps
