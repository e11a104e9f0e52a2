// What a client sends again, and when: a server that dies is started anew on the same endpoint, and
// what was under way to it or in its memory only is gone.
#include <fmt/format.h>
#include <zmq.h>

#include "worker/client/ps_client.h"

namespace cairn {

Status PsClient::monitor_connection(zmq::context_t& context, uint32_t s) {
  Shard& shard = shards_[s];
  const std::string events = fmt::format("inproc://connection-{}-{}", fmt::ptr(this), s);
  try {
    if (zmq_socket_monitor(shard.socket.handle(), events.c_str(), ZMQ_EVENT_DISCONNECTED) != 0)
      throw zmq::error_t();
    shard.monitor = zmq::socket_t(context, zmq::socket_type::pair);
    shard.monitor.set(zmq::sockopt::linger, 0);
    shard.monitor.connect(events);
  } catch (const zmq::error_t& error) {
    return Error{ErrorCode::kUnavailable,
                 fmt::format("cannot watch the connection to shard {} at {}: {}", s, shard.endpoint,
                             error.what())};
  }
  return Ok{};
}

Status PsClient::look_for_lost_connection(uint32_t s) {
  Shard& shard = shards_[s];
  bool lost = false;
  try {
    for (zmq::message_t part; shard.monitor.recv(part, zmq::recv_flags::dontwait);) lost = true;
  } catch (const zmq::error_t&) {  // interrupted: the next look finds it
  }
  if (!lost) return Ok{};
  shard.connection_lost = true;
  return ping(s);  // waits in the socket until there is a connection again
}

Status PsClient::note_boot(uint32_t s, uint64_t boot) {
  Shard& shard = shards_[s];
  const bool lost = std::exchange(shard.connection_lost, false);
  const uint64_t before = std::exchange(shard.boot, boot);
  if (before != 0 && before != boot) {
    restarts_.insert(boot);
    return resend(s, RetryReason::kNewBoot);
  }
  return lost ? resend(s, RetryReason::kDisconnect) : Status(Ok{});
}

Status PsClient::on_out_of_order(uint32_t s, uint64_t expected) {
  Shard& shard = shards_[s];
  if (expected <= shard.acknowledged)
    return Error{ErrorCode::kUnavailable,
                 fmt::format("shard {} at {} has lost data: it asks for push {}, and has "
                             "acknowledged {}",
                             s, shard.endpoint, expected, shard.acknowledged)};
  // What was sent again is on its way behind the push that this answers.
  return shard.resending ? Status(Ok{}) : resend(s, RetryReason::kOutOfOrder);
}

Status PsClient::resend(uint32_t s, RetryReason reason) {
  Shard& shard = shards_[s];
  std::vector<Message*> messages;
  for (Message& push : shard.pushes) messages.push_back(&push);
  for (auto& [id, pull] : pulls_)
    if (pull.answered[s] == 0) messages.push_back(&pull.requests[s]);
  if (shard.checkpoint_id != 0) messages.push_back(&shard.checkpoint_request);
  for (Message* message : messages) {
    metrics_.retries(reason).Increment();
    if (const Status sent = send(s, share(*message)); !sent.ok()) return sent;
  }
  shard.resending = !shard.pushes.empty();
  return Ok{};
}

}  // namespace cairn
