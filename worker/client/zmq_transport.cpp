#include "worker/client/zmq_transport.h"

#include <fmt/format.h>
#include <zmq.h>

#include <atomic>
#include <utility>

namespace cairn {
namespace {

Error unavailable(std::string what) { return {ErrorCode::kUnavailable, std::move(what)}; }

}  // namespace

Result<std::unique_ptr<ZmqTransport>> ZmqTransport::connect(std::span<const std::string> endpoints,
                                                            zmq::context_t& context) {
  std::unique_ptr<ZmqTransport> transport(new ZmqTransport);
  for (const std::string& endpoint : endpoints) {
    Link& link = transport->links_.emplace_back();
    link.endpoint = endpoint;
    try {
      link.socket = zmq::socket_t(context, zmq::socket_type::dealer);
      link.socket.set(zmq::sockopt::linger, 0);
      link.socket.set(zmq::sockopt::sndhwm, 0);  // the window bounds what is under way
      link.socket.set(zmq::sockopt::rcvhwm, 0);
      link.socket.set(zmq::sockopt::maxmsgsize, kMessageBytesMax);
      link.socket.connect(endpoint);
    } catch (const zmq::error_t& error) {
      return unavailable(fmt::format("cannot connect to shard {} at {}: {}",
                                     transport->links_.size() - 1, endpoint, error.what()));
    }
  }
  for (uint32_t s = 0; s < transport->shards(); ++s)
    if (const Status watched = transport->watch(context, s); !watched.ok()) return watched.error();
  for (Link& link : transport->links_)
    transport->poll_items_.push_back({link.socket.handle(), 0, ZMQ_POLLIN, 0});
  return transport;
}

Status ZmqTransport::watch(zmq::context_t& context, uint32_t shard) {
  Link& link = links_[shard];
  // A name of its own: that of a client before, at the same address, may not be free yet.
  static std::atomic<uint64_t> connections = 0;
  const std::string events = fmt::format("inproc://connection-{}", ++connections);
  try {
    if (zmq_socket_monitor(link.socket.handle(), events.c_str(), ZMQ_EVENT_DISCONNECTED) != 0)
      throw zmq::error_t();
    link.monitor = zmq::socket_t(context, zmq::socket_type::pair);
    link.monitor.set(zmq::sockopt::linger, 0);
    link.monitor.connect(events);
  } catch (const zmq::error_t& error) {
    return unavailable(fmt::format("cannot watch the connection to shard {} at {}: {}", shard,
                                   link.endpoint, error.what()));
  }
  return Ok{};
}

Status ZmqTransport::send(uint32_t shard, Message message) {
  try {
    std::vector<zmq::message_t> parts = to_parts(std::move(message));
    for (size_t i = 0; i < parts.size(); ++i)
      links_[shard].socket.send(
          parts[i], i + 1 < parts.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
  } catch (const zmq::error_t& error) {
    return unavailable(fmt::format("sending to shard {}: {}", shard, error.what()));
  }
  return Ok{};
}

Result<std::optional<Message>> ZmqTransport::receive(uint32_t shard) {
  std::vector<zmq::message_t> parts;
  for (;;) {
    try {
      zmq::message_t part;
      if (!links_[shard].socket.recv(part, zmq::recv_flags::dontwait))
        return std::optional<Message>();
      parts.push_back(std::move(part));
      if (!parts.back().more()) break;
    } catch (const zmq::error_t& error) {
      if (error.num() == EINTR) continue;
      return unavailable(fmt::format("receiving from shard {}: {}", shard, error.what()));
    }
  }
  Result<Message> message = parse_message(parts);
  if (!message.ok())
    return unavailable(fmt::format("shard {} at {} sent nonsense: {}", shard,
                                   links_[shard].endpoint, message.error().message));
  return std::optional<Message>(std::move(message).value());
}

Result<bool> ZmqTransport::wait(std::chrono::milliseconds time) {
  try {
    return zmq::poll(poll_items_, time) > 0;
  } catch (const zmq::error_t& error) {
    if (error.num() == EINTR) return false;
    return unavailable(std::string("waiting for the shards: ") + error.what());
  }
}

bool ZmqTransport::lost_connection(uint32_t shard) {
  bool lost = false;
  try {
    for (zmq::message_t part; links_[shard].monitor.recv(part, zmq::recv_flags::dontwait);)
      lost = true;
  } catch (const zmq::error_t&) {  // interrupted: the next look finds it
  }
  return lost;
}

}  // namespace cairn
