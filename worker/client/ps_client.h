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
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/ps_config.h"
#include "common/metrics/metrics.h"
#include "common/slots.h"
#include "common/wire/message.h"
#include "worker/client/shard_split.h"

namespace cairn {

struct PsClientOptions {
  std::vector<std::string> endpoints;  // one per shard
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
  using PullId = uint64_t;

  // Errors: kUnavailable where an endpoint cannot be used.
  static Result<std::unique_ptr<PsClient>> connect(const PsClientOptions& options,
                                                   zmq::context_t& context, WorkerMetrics& metrics);

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

  // What each shard tells of itself, JSON.
  Result<std::vector<std::string>> stats();

  // How often a server process was seen to have started anew.
  uint32_t server_restarts() const { return static_cast<uint32_t>(restarts_.size()); }

  // Pushes that shards had acknowledged and lost; 0 in `strict`.
  uint64_t lost_pushes() const { return lost_pushes_; }

 private:
  using Clock = std::chrono::steady_clock;

  struct Shard {
    zmq::socket_t socket;
    std::string endpoint;
    uint64_t server_run = 0;      // of the server; 0 until its first reply
    uint64_t told_step = 0;       // the highest that a reply with rows was of
    uint64_t told_by_others = 0;  // the same, of the servers before this one
    uint64_t sequence = 0;        // of the last push
    uint64_t acknowledged = 0;    // the highest push answered
    uint64_t sent = 0;  // the last push sent to this server run; behind `sequence` after a loss
    uint64_t lost_through = 0;   // pushes up to this one are empty ones in the place of lost ones
    uint64_t last_step = 0;      // of the last push
    uint64_t applied_step = 0;   // as the shard last told
    std::deque<Message> pushes;  // above `acknowledged`, in order
    bool resending = false;      // they were sent again, and none has been answered since
    zmq::socket_t monitor;       // tells of lost connections
    bool connection_lost = false;
    Clock::time_point heard;  // when anything last came
    Clock::time_point pinged;
    std::string pong;       // what the shard last said it waits for
    Message asked;          // a request for a checkpoint or stats
    uint64_t asked_id = 0;  // of it; 0: no answer is awaited
    std::string answer;     // to it, JSON
  };
  struct PullPart {  // one shard's
    // Until it is answered; of an early one that was: for what has changed since.
    Message request;
    std::optional<Message> early;  // the speculative answer, if that was not all
    Message reply;
    bool answered = false;
  };
  struct Pull {
    uint64_t again_id = 0;  // of the requests for what has changed since speculative answers
    uint64_t step = 0;
    ShardSplit split;
    std::optional<ShardSplit> by_changed_since;  // how it was asked for, if that is not `split`
    std::vector<PullPart> parts;                 // by shard
    uint32_t missing = 0;                        // parts
    bool is_due = false;                         // those answered early are asked for again
  };

  PsClient(const PsClientOptions& options, WorkerMetrics& metrics);

  Header header(Op op, uint64_t step, uint64_t sequence) const;
  Status send(uint32_t shard, Message message);
  // Waits up to `wait` for any reply and handles all that have come.
  Status pump(std::chrono::milliseconds wait);
  Status receive(uint32_t shard);
  Status handle(uint32_t shard, Message message);
  Result<std::vector<std::string>> ask_all(Op op, uint64_t step,
                                           std::span<const std::string> texts);
  void acknowledge(Shard& shard, uint64_t sequence);
  Status ping(uint32_t shard);
  Status wait_for(const Pull& pull);

  // ps_pull.cpp
  Status on_rows(uint32_t shard, Message reply);
  // Asks for what has changed since speculative answers, those that have come and those that will.
  Status ask_again(Pull& pull);

  // ps_resend.cpp
  Status monitor_connection(zmq::context_t& context, uint32_t shard);
  // Takes note of a connection that was lost since the last look, and asks whether the shard is
  // there.
  Status look_for_lost_connection(uint32_t shard);
  // Validates the server run that a reply carries; sends again what that server may not have.
  Status note_server_run(uint32_t shard, uint64_t server_run);
  Status resend(uint32_t shard, RetryReason reason);
  // Pushes that are due and that the window lets through.
  Status send_pushes(uint32_t shard);
  Status on_pong(uint32_t shard, std::string_view text);
  Status on_out_of_order(uint32_t shard, uint64_t expected);
  // The shard has pushes up to `accepted` alone, and has acknowledged later ones.
  Status on_lost(uint32_t shard, uint64_t accepted);
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
  std::set<uint64_t> restarts_;  // server runs that took the place of others
  uint64_t lost_pushes_ = 0;
};

}  // namespace cairn
