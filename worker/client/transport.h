// How a client's messages reach the shards and come back, and what time it is: ZeroMQ and the
// steady clock in a job (zmq_transport.h), both simulated in tests. As ZeroMQ does, a transport
// loses a message only with its connection, and then says so.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "common/result.h"
#include "common/wire/message.h"

namespace cairn::client {

// Thread safety: none; it belongs to one client. Errors of all calls: kUnavailable, and the
// transport is of no more use then.
class Transport {
 public:
  using Clock = std::chrono::steady_clock;

  virtual ~Transport() = default;

  virtual uint32_t shards() const = 0;
  virtual const std::string& endpoint(uint32_t shard) const = 0;

  // Never waits: what a connection cannot take yet is kept for it.
  virtual Status send(uint32_t shard, Message message) = 0;
  // The next message that has come from a shard, if any has. Also kUnavailable: it is no message.
  virtual Result<std::optional<Message>> receive(uint32_t shard) = 0;
  // Waits until something has come from some shard, at most `time`. Returns whether it has.
  virtual Result<bool> wait(std::chrono::milliseconds time) = 0;
  // Whether the connection was lost since the last call: messages under way may be gone.
  virtual bool lost_connection(uint32_t shard) = 0;
  virtual Clock::time_point now() const = 0;
};

}  // namespace cairn::client
