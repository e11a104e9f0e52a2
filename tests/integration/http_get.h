// A plain HTTP/1.0 GET: the whole answer, or nothing where there is none.
#pragma once

#include <string>

namespace cairn {

std::string http_get(const std::string& host_and_port, const std::string& path);

}  // namespace cairn
