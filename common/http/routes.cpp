#include "common/http/routes.h"

namespace cairn {
namespace {

std::string_view name_of(HttpMethod method) {
  switch (method) {
    case HttpMethod::kGet:
      return "GET, HEAD";
    case HttpMethod::kPost:
      return "POST";
    case HttpMethod::kPut:
      return "PUT";
    case HttpMethod::kDelete:
      return "DELETE";
  }
  return "";
}

}  // namespace

const HttpRoute* find_route(const std::vector<HttpRoute>& routes, HttpMethod method,
                            std::string_view path, std::string* allowed) {
  const HttpRoute* found = nullptr;
  if (allowed != nullptr) allowed->clear();
  for (const HttpRoute& route : routes) {
    if (route.path != path) continue;
    if (route.method == method && found == nullptr) found = &route;
    if (allowed == nullptr) continue;
    if (!allowed->empty()) *allowed += ", ";
    *allowed += name_of(route.method);
  }
  return found;
}

}  // namespace cairn
