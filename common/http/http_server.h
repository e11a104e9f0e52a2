// Serves routes (common/http/routes.h) over HTTP/1.1, on a thread of its own.
//
// Clients are not trusted: header size, body size, time and connections are bounded, and when all
// connections are taken the oldest makes room, so that idle ones cannot shut others out. What has
// no route is 404; a method that a path has not is 405, with those that it has; a body above its
// route's limit is 413; 503 where more handlers are under way than may be.
//
// Thread safety: handlers run on the server's thread and must not block for long, or, where their
// route says that they may take long, on threads of a pool, several at once. None may throw.
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
    size_t handlers_max = 64;  // that run in the pool or wait for it
    // For a request to arrive whole, and as long again for its answer to be taken.
    std::chrono::milliseconds timeout{5000};
  };

  // Listens on `address`, an IPv4 or IPv6 address in digits, and `port`; port 0 is chosen by the
  // system. Errors: kInvalidArgument for what is no address, kUnavailable if it cannot be bound (it
  // names address and port).
  static Result<std::unique_ptr<HttpServer>> start(const std::string& address, uint16_t port,
                                                   std::vector<HttpRoute> routes, Limits limits);
  static Result<std::unique_ptr<HttpServer>> start(const std::string& address, uint16_t port,
                                                   std::vector<HttpRoute> routes) {
    return start(address, port, std::move(routes), Limits{});
  }

  // Ends all connections at once; waits at most for handlers that are running.
  ~HttpServer();

  uint16_t port() const;

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace cairn
