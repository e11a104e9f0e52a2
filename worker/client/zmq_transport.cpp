#include "worker/client/zmq_transport.h"

#include <fmt/format.h>
#include <zmq.h>

#include <utility>

#include "common/net/sockets.h"

namespace cairn::client {
namespace {

Error unavailable(std::string what) { return {ErrorCode::kUnavailable, std::move(what)}; }

}  // namespace

Result<std::unique_ptr<ZmqTransport>> ZmqTransport::connect(std::span<const Endpoint> endpoints,
                                                            zmq::context_t& context) {
  std::unique_ptr<ZmqTransport> transport(new ZmqTransport);
  for (const Endpoint& endpoint : endpoints) {
    const std::string shard =
        fmt::format("shard {} at {}: ", transport->links_.size(), endpoint.address);
    Result<zmq::socket_t> socket = connect_dealer(context, endpoint);
    if (!socket.ok()) return Error{socket.error().code, shard + socket.error().message};
    Result<zmq::socket_t> monitor = watch_for_lost_connection(context, socket.value());
    if (!monitor.ok()) return Error{monitor.error().code, shard + monitor.error().message};
    transport->links_.push_back({endpoint, std::move(socket).value(), std::move(monitor).value()});
  }
  for (Link& link : transport->links_)
    transport->poll_items_.push_back({link.socket.handle(), 0, ZMQ_POLLIN, 0});
  return transport;
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
                                   links_[shard].endpoint.address, message.error().message));
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

}  // namespace cairn::client
