// What a client sends again, and when: a server that dies is started anew on the same endpoint, and
// what was under way to it or in its memory only is gone.
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <zmq.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <optional>

#include "worker/client/ps_client.h"

namespace cairn {

namespace {
// Half of what a shard bears.
constexpr uint64_t kStepsAhead = 32;
}  // namespace

Status PsClient::monitor_connection(zmq::context_t& context, uint32_t s) {
  Shard& shard = shards_[s];
  // A name of its own: that of a client before, at the same address, may not be free yet.
  static std::atomic<uint64_t> connections = 0;
  const std::string events = fmt::format("inproc://connection-{}", ++connections);
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

Status PsClient::note_server_run(uint32_t s, uint64_t server_run) {
  Shard& shard = shards_[s];
  const bool lost = std::exchange(shard.connection_lost, false);
  const uint64_t before = std::exchange(shard.server_run, server_run);
  if (before != 0 && before != server_run) {
    restarts_.insert(server_run);
    shard.told_by_others = shard.told_step;
    return resend(s, RetryReason::kNewServerRun);
  }
  return lost ? resend(s, RetryReason::kDisconnect) : Status(Ok{});
}

Status PsClient::resend(uint32_t s, RetryReason reason) {
  Shard& shard = shards_[s];
  shard.sent = shard.acknowledged;
  shard.resending = !shard.pushes.empty();
  metrics_.retries(reason).Increment(static_cast<double>(shard.pushes.size()));
  if (const Status sent = send_pushes(s); !sent.ok()) return sent;
  std::vector<Message*> messages;
  for (auto& [id, pull] : pulls_)
    if (PullPart& part = pull.parts[s]; !part.answered && (pull.is_due || !part.early))
      messages.push_back(&part.request);
  if (shard.asked_id != 0) messages.push_back(&shard.asked);
  for (Message* message : messages) {
    metrics_.retries(reason).Increment();
    if (const Status sent = send(s, share(*message)); !sent.ok()) return sent;
  }
  // What it says of our pushes tells whether it has all that it acknowledged, even if none follows.
  return reason == RetryReason::kNewServerRun ? ping(s) : Status(Ok{});
}

Status PsClient::send_pushes(uint32_t s) {
  Shard& shard = shards_[s];
  while (shard.sent < shard.sequence && shard.sent - shard.acknowledged < options_.window) {
    Message& push = shard.pushes[shard.sent - shard.acknowledged];
    // A shard refuses pushes of a worker that is far ahead of the others.
    if (shard.sent < shard.lost_through && push.header.step > shard.applied_step + kStepsAhead)
      break;
    if (const Status sent = send(s, share(push)); !sent.ok()) return sent;
    ++shard.sent;
  }
  return Ok{};
}

Status PsClient::on_pong(uint32_t s, std::string_view text) {
  Shard& shard = shards_[s];
  shard.pong = std::string(text);
  const nlohmann::json pong = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto number = [&](const char* name) -> std::optional<uint64_t> {
    if (!pong.is_object() || !pong.contains(name) || !pong[name].is_number_unsigned())
      return std::nullopt;
    return pong[name].get<uint64_t>();
  };
  shard.applied_step = number("applied_step").value_or(shard.applied_step);
  if (const auto accepted = number("accepted"); accepted && *accepted < shard.acknowledged)
    return on_lost(s, *accepted);
  return send_pushes(s);
}

Status PsClient::on_out_of_order(uint32_t s, uint64_t expected) {
  Shard& shard = shards_[s];
  if (expected <= shard.acknowledged) return on_lost(s, std::max<uint64_t>(expected, 1) - 1);
  // What was sent again is on its way behind the push that this answers.
  return shard.resending ? Status(Ok{}) : resend(s, RetryReason::kOutOfOrder);
}

Status PsClient::on_lost(uint32_t s, uint64_t accepted) {
  Shard& shard = shards_[s];
  const std::string lost = fmt::format(
      "shard {} at {} has lost data: it has pushes up to {}, and "
      "has acknowledged {}",
      s, shard.endpoint, accepted, shard.acknowledged);
  if (options_.recovery == Recovery::kStrict)
    return Error{ErrorCode::kUnavailable,
                 lost +
                     "; `train --resume` goes back to the checkpoint (`ps.recovery: report` "
                     "would go on without them)"};
  spdlog::error("{}; empty ones take their place", lost);
  const uint64_t count = shard.acknowledged - accepted;
  lost_pushes_ += count;
  metrics_.lost_pushes.Increment(static_cast<double>(count));
  // A push per step: those before the last one are of the steps before its.
  const uint64_t last_step = shard.last_step, last = shard.sequence;
  shard.lost_through = std::max(shard.lost_through, shard.acknowledged);
  for (; shard.acknowledged > accepted; --shard.acknowledged) {
    Message empty;
    empty.header = header(Op::kPush, last_step - (last - shard.acknowledged), shard.acknowledged);
    shard.pushes.push_front(std::move(empty));
  }
  shard.sent = accepted;
  shard.resending = true;
  shard.applied_step = 0;  // it has gone back; the answer to the ping tells where to
  return ping(s);
}

}  // namespace cairn
