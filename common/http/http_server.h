// Serves routes (common/http/routes.h) over HTTP/1.1, on a thread of its own.
//
// Clients are not trusted: header size, body size, time and connections are bounded. When all
// connections are taken the oldest makes room, so that idle ones cannot shut others out. A path
// without a route is 404. A method that a path lacks is 405, with the methods that the path has. A
// body above its route's limit is 413. A request is 503 while the most handlers allowed are under
// way.
//
// Thread safety: handlers run on the server's thread and must not block for long. Handlers whose
// route says `may_take_long` run on threads of a pool, several at once. No handler may throw.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/http/routes.h"
#include "common/result.h"

namespace cairn {

class HttpServer {
 public:
  struct Limits {
    uint32_t header_bytes_max = 8 * 1024;
    size_t connections_max = 64;
    size_t threads = 2;        // of the pool
    size_t handlers_max = 64;  // running in the pool or waiting for it
    // The time for a request to arrive whole, and again for its answer to be taken.
    std::chrono::milliseconds timeout{5000};
  };

  // Listens on `address`, an IPv4 or IPv6 address in digits, and `port`. For port 0 the system
  // chooses one. Errors: kInvalidArgument for what is no address; kUnavailable, naming address and
  // port, if they cannot be bound.
  static Result<std::unique_ptr<HttpServer>> start(const std::string& address, uint16_t port,
                                                   std::vector<HttpRoute> routes, Limits limits);
  static Result<std::unique_ptr<HttpServer>> start(const std::string& address, uint16_t port,
                                                   std::vector<HttpRoute> routes) {
    return start(address, port, std::move(routes), Limits{});
  }

  // Ends all connections at once. Waits only for handlers that are running.
  ~HttpServer();

  uint16_t port() const;

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace cairn
