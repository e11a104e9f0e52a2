#include "launcher/serve_metrics.h"

#include <fmt/core.h>

#include "common/http/process_routes.h"

namespace cairn::launcher {

const char* const kVersionText = CAIRN_VERSION;

Result<std::unique_ptr<HttpServer>> serve_metrics(const MetricsConfig& config, uint32_t rank,
                                                  const Metrics& metrics,
                                                  const std::atomic<bool>& ready) {
  if (!config.enabled) return std::unique_ptr<HttpServer>();
  const uint32_t port = config.port == 0 ? 0 : config.port + rank;
  if (port > UINT16_MAX)
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("metrics.port {} leaves no port for rank {}", config.port, rank)};
  auto server = HttpServer::start(config.address, static_cast<uint16_t>(port),
                                  process_routes([&metrics] { return metrics.exposition(); },
                                                 [&ready] { return ready.load(); }));
  if (!server.ok() && server.error().code == ErrorCode::kUnavailable)
    return Error{ErrorCode::kUnavailable,
                 server.error().message + "; set metrics.port (0: any that is free)"};
  return server;
}

}  // namespace cairn::launcher
