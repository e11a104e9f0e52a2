// A client's way to one shard: what it sends to it, which server run answers, and when it was last
// heard. Also asks a shard for its statistics or a checkpoint. Whoever reads rows alone needs this
// and PullTable. Thread safety: none; it belongs to one client.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/metrics/metrics.h"
#include "common/wire/message.h"
#include "worker/client/transport.h"

namespace cairn::client {

class ShardLink {
 public:
  using Clock = Transport::Clock;

  // A client's own fields, which stand in the header of each message.
  struct Sender {
    uint64_t incarnation = 0;
    uint32_t worker = 0;
    uint32_t map_version = 0;
  };

  // `transport` and `next_request`, which gives out the request ids of the client, outlive the
  // link.
  ShardLink(Transport& transport, uint32_t shard, const Sender& sender, uint64_t& next_request);

  Header header(Op op, uint64_t step, uint64_t sequence) const;
  Status send(Message message) { return transport_->send(shard_, std::move(message)); }
  Status ping();

  // A reply has come, of `server_run`. Why what is under way to the shard has to be sent again, if
  // it has: another server run answers, or the connection was lost since.
  std::optional<RetryReason> on_reply(uint64_t server_run);
  void heard_something() { heard_ = transport_->now(); }  // of another start of the job
  // Takes note of a connection that was lost since the last look, and then pings: the ping waits in
  // the connection until there is one again.
  Status look_for_lost_connection();

  // Asks for statistics or a checkpoint; one request at a time.
  Status ask(Op op, uint64_t step, const std::string& text);
  Status ask_again();  // the request that is not answered, if there is one
  void on_answer(const Message& reply);
  bool is_asked() const { return asked_id_ != 0; }
  std::string take_answer() { return std::move(answer_); }

  uint32_t shard() const { return shard_; }
  std::string name() const;                            // "shard 3 at tcp://..."
  uint64_t server_run() const { return server_run_; }  // 0 until the first reply
  Clock::time_point heard() const { return heard_; }
  Clock::time_point pinged() const { return pinged_; }

  // The text of the last pong, which says what the shard waits for.
  std::string pong;

 private:
  Transport* transport_;
  uint32_t shard_;
  Sender sender_;
  uint64_t* next_request_;
  uint64_t server_run_ = 0;
  bool connection_lost_ = false;
  Clock::time_point heard_;  // when anything last came
  Clock::time_point pinged_;
  Message asked_;
  uint64_t asked_id_ = 0;  // of `asked_`; 0: no answer is awaited
  std::string answer_;     // JSON
};

}  // namespace cairn::client
