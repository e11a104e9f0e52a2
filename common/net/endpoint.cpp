#include "common/net/endpoint.h"

#include <algorithm>

namespace cairn {
namespace {

constexpr size_t kKeyCharacters = 40;

// The alphabet of Z85 (ZeroMQ RFC 32).
bool is_z85(char c) {
  constexpr std::string_view kPunctuation = ".-:+=^!/*?&<>()[]{}@%$#";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         kPunctuation.find(c) != std::string_view::npos;
}

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view text) {
  const auto invalid = [&](const std::string& why) {
    return Error{ErrorCode::kInvalidArgument, "endpoint '" + std::string(text) + "': " + why};
  };
  const size_t space = text.find(' ');
  const std::string_view address = text.substr(0, space);
  const size_t scheme_end = address.find("://");
  const std::string_view scheme = address.substr(0, scheme_end);
  if (scheme != "tcp" && scheme != "ipc" && scheme != "inproc")
    return invalid("want tcp://HOST:PORT, ipc://PATH or inproc://NAME");
  const std::string_view rest = address.substr(scheme_end + 3);
  if (rest.empty()) return invalid("nothing stands behind " + std::string(scheme) + "://");
  if (scheme == "tcp" && rest.rfind(':') == std::string_view::npos)
    return invalid("a tcp address ends with :PORT");
  if (space == std::string_view::npos) return Endpoint(std::string(address));
  const std::string_view key = text.substr(space + 1);
  if (key.size() != kKeyCharacters || !std::ranges::all_of(key, is_z85))
    return invalid("a public key has 40 characters of Z85");
  return Endpoint(std::string(address), std::string(key));
}

}  // namespace cairn
