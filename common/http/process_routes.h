// The routes of every process of a job:
//   GET /metrics   what Prometheus scrapes
//   GET /healthz   200 while the process can answer at all
//   GET /readyz    200 when it is ready, else 503
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/http/routes.h"

namespace cairn {

// `metrics` gives the text that /metrics serves. Both functions are called on the server's thread.
inline std::vector<HttpRoute> process_routes(std::function<std::string()> metrics,
                                             std::function<bool()> ready) {
  return {{.path = "/metrics",
           .handler =
               [metrics = std::move(metrics)](const HttpRequest&) {
                 return HttpResponse{200, metrics(), "text/plain; version=0.0.4; charset=utf-8"};
               }},
          {.path = "/healthz",
           .handler =
               [](const HttpRequest&) {
                 return HttpResponse{200, "ok\n"};
               }},
          {.path = "/readyz", .handler = [ready = std::move(ready)](const HttpRequest&) {
             return ready() ? HttpResponse{200, "ready\n"} : HttpResponse{503, "not ready\n"};
           }}};
}

}  // namespace cairn
