// A worker's side of the wire: pulls rows from all shards, pushes gradients to them, asks for
// checkpoints.
//
// Every call may process replies that have come. Waiting calls return when their answer is
// complete, when a shard refuses (its reason is the error), when nothing at all has come from a
// shard for `timeout_s` although it was pinged, or when a pull stays parked for `stall_timeout_s`;
// errors name the shard. Thread safety: none; it belongs to the worker's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/metrics/metrics.h"
#include "common/slots.h"
#include "common/wire/message.h"
#include "worker/client/shard_split.h"

namespace cairn {

struct PsClientOptions {
  std::vector<std::string> endpoints;  // one a shard
  SlotMap slots;
  uint64_t incarnation = 0;
  uint32_t worker = 0;
  std::vector<uint32_t> table_dims;
  ValueType wire = ValueType::kFloat32;  // of rows and gradients in messages
  uint32_t window = 8;                   // unacknowledged pushes a shard
  uint32_t timeout_s = 120;
  uint32_t stall_timeout_s = 1800;
};

class PsClient {
 public:
  using PullId = uint64_t;

  // Errors: kUnavailable where an endpoint cannot be used.
  static Result<std::unique_ptr<PsClient>> connect(const PsClientOptions& options,
                                                   zmq::context_t& context, WorkerMetrics& metrics);

  // Sends the pull of a step, one message a shard with all tables. keys[t]: ascending, unique.
  Result<PullId> start_pull(uint64_t step, std::span<const std::vector<Key>> keys, uint32_t flags);

  // Waits for all shards. rows[t] becomes [keys of table t, dim], in the order of the keys. Returns
  // how the keys are split over shards, which the push of the same batch needs again.
  Result<ShardSplit> finish_pull(PullId id, std::vector<std::vector<float>>& rows);

  // Forgets a pull; its replies are dropped when they come.
  void abandon_pull(PullId id);

  // Sends one message a shard, empty if there is nothing. `split`: that of `keys`; gradients[t]:
  // [keys of table t, dim]. Waits only while a shard has `window` pushes unacknowledged.
  Status push(uint64_t step, std::span<const std::vector<Key>> keys, const ShardSplit& split,
              std::span<const std::vector<float>> gradients);

  // Waits until every push is acknowledged.
  Status wait_pushes();

  // Every shard writes its part of the checkpoint of `step` into folders[shard]; the replies' JSON.
  Result<std::vector<std::string>> checkpoint(uint64_t step, std::span<const std::string> folders);

 private:
  using Clock = std::chrono::steady_clock;

  struct Shard {
    zmq::socket_t socket;
    std::string endpoint;
    uint64_t boot = 0;          // of the server; 0 until its first reply
    uint64_t sequence = 0;      // of the last push sent
    uint64_t acknowledged = 0;  // the highest push answered
    Clock::time_point heard;    // when anything last came
    Clock::time_point pinged;
    std::string pong;            // what the shard last said it waits for
    std::string checkpoint;      // reply's JSON
    uint64_t checkpoint_id = 0;  // 0: none is awaited
  };
  struct Pull {
    ShardSplit split;
    std::vector<Message> replies;   // by shard
    std::vector<uint8_t> answered;  // by shard
    uint32_t missing = 0;
  };

  PsClient(const PsClientOptions& options, WorkerMetrics& metrics);

  Header header(Op op, uint64_t step, uint64_t sequence) const;
  Status send(uint32_t shard, Message message);
  // Waits up to `wait` for any reply and handles all that have come.
  Status pump(std::chrono::milliseconds wait);
  Status receive(uint32_t shard);
  Status handle(uint32_t shard, Message message);
  // Pings what is silent, gives up on what stays so.
  Status check_silence(Clock::time_point waiting_since);
  template <typename Ready>
  Status wait_until(Ready ready);

  PsClientOptions options_;
  WorkerMetrics& metrics_;
  std::vector<Shard> shards_;
  std::vector<zmq::pollitem_t> poll_items_;
  std::map<PullId, Pull> pulls_;
  uint64_t next_request_ = 1;
};

}  // namespace cairn
