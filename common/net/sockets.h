// Makes every ZeroMQ socket between workers and shards, with its limits and, where an endpoint has
// a public key, its encryption. Thread safety: that of ZeroMQ: a socket belongs to one thread.
#pragma once

#include <zmq.hpp>

#include "common/net/endpoint.h"
#include "common/result.h"

namespace cairn {

struct BoundSocket {
  zmq::socket_t socket;
  Endpoint endpoint;  // as bound: with the port that the system chose
};

// A shard's ROUTER. It drops nothing silently (ROUTER_MANDATORY) and takes messages up to
// kMessageBytesMax. It ends peers that do not shake hands or fall silent. `queue` bounds the
// messages that wait per peer, in each direction. Errors, naming the endpoint: kUnavailable where
// the endpoint cannot be bound; kInvalidArgument where it has a public key, as this version does
// not encrypt.
Result<BoundSocket> bind_router(zmq::context_t& context, const Endpoint& endpoint, int queue);

// A worker's DEALER, with unbounded queues: the client bounds what is under way. The connection is
// made in the background. Errors: those of bind_router.
Result<zmq::socket_t> connect_dealer(zmq::context_t& context, const Endpoint& endpoint);

// A socket that receives a message whenever `socket` loses its connection. Errors: kUnavailable.
Result<zmq::socket_t> watch_for_lost_connection(zmq::context_t& context, zmq::socket_t& socket);

}  // namespace cairn
