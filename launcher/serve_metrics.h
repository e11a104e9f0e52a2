// The HTTP endpoint of one process of a job: /metrics, /healthz, /readyz.
#pragma once

#include <atomic>
#include <memory>

#include "common/config/run_config.h"
#include "common/http/http_server.h"
#include "common/metrics/metrics.h"
#include "common/result.h"

namespace cairn::launcher {

extern const char* const kVersionText;  // "0.1.0"

// Serves at config.port + rank; null where metrics are off. `metrics` and `ready` outlive the
// server. Errors: kInvalidArgument where there is no such port, kUnavailable where it is in use.
Result<std::unique_ptr<HttpServer>> serve_metrics(const MetricsConfig& config, uint32_t rank,
                                                  const Metrics& metrics,
                                                  const std::atomic<bool>& ready);

}  // namespace cairn::launcher
