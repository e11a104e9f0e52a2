#include "common/net/sockets.h"

#include <zmq.h>

#include <atomic>
#include <string>

#include "common/wire/header.h"

namespace cairn {
namespace {

constexpr int kHandshakeMs = 10'000;
constexpr int kHeartbeatMs = 10'000, kHeartbeatTimeoutMs = 60'000;
constexpr int kBacklog = 512;  // connections that may wait to be accepted

// The one place where a socket would be given keys.
Status set_keys(zmq::socket_t&, const Endpoint& endpoint) {
  if (endpoint.public_key.empty()) return Ok{};
  return Error{ErrorCode::kInvalidArgument,
               "endpoint " + endpoint.address +
                   " has a public key, and this version does not encrypt connections"};
}

}  // namespace

Result<BoundSocket> bind_router(zmq::context_t& context, const Endpoint& endpoint, int queue) {
  try {
    BoundSocket bound;
    bound.socket = zmq::socket_t(context, zmq::socket_type::router);
    if (const Status keys = set_keys(bound.socket, endpoint); !keys.ok()) return keys.error();
    bound.socket.set(zmq::sockopt::router_mandatory, true);
    bound.socket.set(zmq::sockopt::sndhwm, queue);
    bound.socket.set(zmq::sockopt::rcvhwm, queue);
    bound.socket.set(zmq::sockopt::linger, 0);
    bound.socket.set(zmq::sockopt::handshake_ivl, kHandshakeMs);
    bound.socket.set(zmq::sockopt::heartbeat_ivl, kHeartbeatMs);
    bound.socket.set(zmq::sockopt::heartbeat_timeout, kHeartbeatTimeoutMs);
    bound.socket.set(zmq::sockopt::backlog, kBacklog);
    bound.socket.set(zmq::sockopt::ipv6, false);
    bound.socket.set(zmq::sockopt::maxmsgsize, kMessageBytesMax);
    bound.socket.bind(endpoint.address);
    bound.endpoint = Endpoint(bound.socket.get(zmq::sockopt::last_endpoint), endpoint.public_key);
    return bound;
  } catch (const zmq::error_t& error) {
    return Error{ErrorCode::kUnavailable, "cannot bind " + endpoint.address + ": " + error.what()};
  }
}

Result<zmq::socket_t> connect_dealer(zmq::context_t& context, const Endpoint& endpoint) {
  try {
    zmq::socket_t socket(context, zmq::socket_type::dealer);
    if (const Status keys = set_keys(socket, endpoint); !keys.ok()) return keys.error();
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::sndhwm, 0);
    socket.set(zmq::sockopt::rcvhwm, 0);
    socket.set(zmq::sockopt::maxmsgsize, kMessageBytesMax);
    socket.connect(endpoint.address);
    return socket;
  } catch (const zmq::error_t& error) {
    return Error{ErrorCode::kUnavailable,
                 "cannot connect to " + endpoint.address + ": " + error.what()};
  }
}

Result<zmq::socket_t> watch_for_lost_connection(zmq::context_t& context, zmq::socket_t& socket) {
  // A name of its own: that of a socket before, at the same address, may not be free yet.
  static std::atomic<uint64_t> connections = 0;
  const std::string events = "inproc://connection-" + std::to_string(++connections);
  try {
    if (zmq_socket_monitor(socket.handle(), events.c_str(), ZMQ_EVENT_DISCONNECTED) != 0)
      throw zmq::error_t();
    zmq::socket_t monitor(context, zmq::socket_type::pair);
    monitor.set(zmq::sockopt::linger, 0);
    monitor.connect(events);
    return monitor;
  } catch (const zmq::error_t& error) {
    return Error{ErrorCode::kUnavailable,
                 std::string("cannot watch a connection: ") + error.what()};
  }
}

}  // namespace cairn
