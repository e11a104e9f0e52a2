// Routes that an HTTP server serves, each a method, a path and a handler. Free of any HTTP
// library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace cairn {

enum class HttpMethod : uint8_t { kGet, kPost, kPut, kDelete };

struct HttpRequest {
  HttpMethod method = HttpMethod::kGet;  // kGet for HEAD too
  std::string path;                      // without the query
  std::string query;                     // behind the '?', as it came
  std::string body;
};

struct HttpResponse {
  unsigned status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
};

struct HttpRoute {
  HttpMethod method = HttpMethod::kGet;
  std::string path;  // compared whole
  std::function<HttpResponse(const HttpRequest&)> handler;
  // The largest body that is read; a longer body is refused (413). 0: a request has no body.
  size_t body_bytes_max = 0;
  // Whether the handler may take long. Such a handler runs on a thread of the pool, beside others.
  // On the server's own thread it would hold up every other route.
  bool may_take_long = false;
};

// The route of a request; null where there is none. `allowed`, if not null, becomes the path's
// methods as the text of an Allow header. It becomes empty where no route has the path.
const HttpRoute* find_route(const std::vector<HttpRoute>& routes, HttpMethod method,
                            std::string_view path, std::string* allowed = nullptr);

}  // namespace cairn
