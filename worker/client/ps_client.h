// A worker's side of the wire: pulls rows from all shards, pushes gradients to them, asks for
// checkpoints.
//
// A server that dies and comes back has what it acknowledged; the rest is sent again, in order,
// when its replies show a new server run or a connection was lost: ZeroMQ loses a message only with
// its connection, and a shard answers whatever it has taken or tells why not, so nothing else need
// be sent again. A shard that has not got a push which it had acknowledged has lost data: an error,
// or, with `recovery: report`, counted, and an empty push takes its place.
//
// Every call may process replies that have come. Waiting calls return when their answer is
// complete, when a shard refuses (its reason is the error), when nothing at all has come from a
// shard for `timeout_s` although it was pinged, or when a pull stays deferred for
// `stall_timeout_s`; errors name the shard. Thread safety: none; it belongs to the worker's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/ps_config.h"
#include "common/metrics/metrics.h"
#include "common/net/endpoint.h"
#include "common/slots.h"
#include "common/wire/message.h"
#include "worker/client/pull_table.h"
#include "worker/client/push_window.h"
#include "worker/client/shard_link.h"
#include "worker/client/shard_split.h"
#include "worker/client/transport.h"

namespace zmq {
class context_t;
}

namespace cairn::client {

struct PsClientOptions {
  std::vector<Endpoint> endpoints;  // one per shard
  SlotMap slots;
  uint64_t incarnation = 0;
  uint32_t worker = 0;
  std::vector<uint32_t> table_dims;
  ValueType wire = ValueType::kFloat32;  // of rows and gradients in messages
  uint32_t window = 8;                   // unacknowledged pushes per shard
  uint32_t timeout_s = 120;
  uint32_t stall_timeout_s = 1800;
  Recovery recovery = Recovery::kStrict;
};

class PsClient {
 public:
  using PullId = client::PullId;

  // Errors: kUnavailable where an endpoint cannot be used. `context` and `metrics` outlive the
  // client.
  static Result<std::unique_ptr<PsClient>> connect(const PsClientOptions& options,
                                                   zmq::context_t& context, WorkerMetrics& metrics);
  // Over a transport of the caller's; options.endpoints says nothing then.
  static std::unique_ptr<PsClient> over(std::unique_ptr<Transport> transport,
                                        const PsClientOptions& options, WorkerMetrics& metrics);

  // Sends the pull of a step, one message per shard with all tables. keys[t]: ascending, unique.
  // With kPullSpeculative the shards answer at once, and once the step before has been pushed they
  // are asked for what has changed since: the rows are the same, but most of their bytes travel
  // before.
  //
  // Whoever keeps rows of earlier pulls names in known[t], for each key of table t, the step before
  // the one whose pull last gave the row or said that it is as it was; 0: it has none. (No
  // known[t]: none has.) Fewer different steps make shorter work for the shards.
  Result<PullId> start_pull(uint64_t step, std::span<const std::vector<Key>> keys, uint32_t flags,
                            std::span<const std::vector<uint64_t>> known = {});

  // Waits for all shards. rows[t] becomes [keys of table t, dim], in the order of the keys. Returns
  // how the keys are split over shards, which the push of the same batch needs again. kept[t][i]
  // becomes 1 where key i is known and its row as it was, and then rows[t] has nothing for it; else
  // 0.
  Result<ShardSplit> finish_pull(PullId id, std::vector<std::vector<float>>& rows,
                                 std::vector<std::vector<uint8_t>>* kept = nullptr);

  // Forgets a pull; its replies are dropped when they come.
  void abandon_pull(PullId id);

  // Sends one message per shard, empty if there is nothing. `split`: that of `keys`; gradients[t]:
  // [keys of table t, dim]. Waits only while a shard has `window` pushes unacknowledged.
  Status push(uint64_t step, std::span<const std::vector<Key>> keys, const ShardSplit& split,
              std::span<const std::vector<float>> gradients);

  // Waits until every push is acknowledged.
  Status wait_pushes();

  // Every shard writes its part of the checkpoint of `step` into folders[shard]; the replies' JSON.
  Result<std::vector<std::string>> checkpoint(uint64_t step, std::span<const std::string> folders);

  // The statistics of each shard, as JSON.
  Result<std::vector<std::string>> stats();

  // How often a server process was seen to have started anew.
  uint32_t server_restarts() const { return static_cast<uint32_t>(restarts_.size()); }

  // Pushes that shards had acknowledged and lost; 0 in `strict`.
  uint64_t lost_pushes() const;

 private:
  using Clock = Transport::Clock;

  PsClient(const PsClientOptions& options, std::unique_ptr<Transport> transport,
           WorkerMetrics& metrics);

  // Waits up to `wait` for any reply and handles all that have come.
  Status pump(std::chrono::milliseconds wait);
  Status handle(uint32_t shard, Message message);
  // Sends again what the shard may not have.
  Status resend(uint32_t shard, RetryReason reason);
  Status on_out_of_order(uint32_t shard, uint64_t expected);
  Status on_pong(uint32_t shard, std::string_view text);
  Result<std::vector<std::string>> ask_all(Op op, uint64_t step,
                                           std::span<const std::string> texts);
  // Pings what is silent, gives up on what stays so.
  Status check_silence(Clock::time_point waiting_since);
  template <typename Ready>
  Status wait_until(Ready ready);

  PsClientOptions options_;
  WorkerMetrics& metrics_;
  std::unique_ptr<Transport> transport_;
  uint64_t next_request_ = 1;
  std::vector<ShardLink> links_;    // by shard; never resized once made
  std::deque<PushWindow> windows_;  // the same
  PullTable pulls_;
  std::set<uint64_t> restarts_;  // server runs that took the place of others
};

}  // namespace cairn::client
