// The peer that asked a shard, its request, and the way back to that peer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/metrics/metrics.h"
#include "common/wire/message.h"

namespace cairn::ps {

using Peer = std::string;  // ZeroMQ's routing id of who sent a message

// The time at which a request came, in nanoseconds of the driver's clock. The shard only carries
// the time from on_message to the reply, so that the driver can tell how long an answer took.
using Arrival = uint64_t;

class Outbox {
 public:
  virtual ~Outbox() = default;
  virtual void send(const Peer& peer, Message message, Arrival asked) = 0;
};

struct Request {
  Peer peer;
  Header header;
  Arrival arrival = 0;
};

// Sends a shard's answers, each with the number of the server run that gives it.
class Replies {
 public:
  Replies(Outbox& outbox, ShardMetrics& metrics, uint32_t shard, uint64_t server_run)
      : outbox_(outbox), metrics_(metrics), shard_(shard), server_run_(server_run) {}

  void send(const Request& to, Message message) {
    message.header.server_run = server_run_;
    outbox_.send(to.peer, std::move(message), to.arrival);
  }
  void text(const Request& to, StatusCode status, std::string_view text) {
    send(to, text_reply(to.header, status, text));
  }
  // Counts the refusal, and says which shard refuses.
  void refuse(const Request& to, StatusCode status, RefusalReason reason, const std::string& why) {
    metrics_.refused(reason).Increment();
    text(to, status, "shard " + std::to_string(shard_) + ": " + why);
  }
  uint64_t server_run() const { return server_run_; }

 private:
  Outbox& outbox_;
  ShardMetrics& metrics_;
  const uint32_t shard_;
  const uint64_t server_run_;
};

}  // namespace cairn::ps
