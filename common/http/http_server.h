// Serves a process's metrics and health over HTTP/1.1, on a thread of its own:
//   GET /metrics   what Prometheus scrapes
//   GET /healthz   200 while the process can answer at all
//   GET /readyz    200 when it is ready, else 503
// Anything else is 404; a method other than GET and HEAD is 405. There is no way to change
// anything.
//
// Clients are not trusted: header size, time and connections are bounded by `Limits`, and when all
// connections are taken the oldest makes room, so that idle ones cannot shut Prometheus out.
//
// Thread safety: handlers run on the server's thread, and must not block for long or throw.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/result.h"

namespace cairn {

class HttpServer {
 public:
  struct Handlers {
    std::function<std::string()> metrics;  // the text that /metrics serves
    std::function<bool()> ready;
  };

  struct Limits {
    uint32_t header_bytes_max = 8 * 1024;
    size_t connections_max = 64;
    // For a request to arrive whole, and as long again for its answer to be taken.
    std::chrono::milliseconds timeout{5000};
  };

  // Listens on `address`, an IPv4 or IPv6 address in digits, and `port`; port 0 is chosen by the
  // system. Errors: kInvalidArgument for what is no address, kUnavailable if it cannot be bound (it
  // names address and port).
  static Result<std::unique_ptr<HttpServer>> start(const std::string& address, uint16_t port,
                                                   Handlers handlers, Limits limits);
  static Result<std::unique_ptr<HttpServer>> start(const std::string& address, uint16_t port,
                                                   Handlers handlers) {
    return start(address, port, std::move(handlers), Limits{});
  }

  // Ends all connections at once; waits at most for a handler that is running.
  ~HttpServer();

  uint16_t port() const;

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace cairn
