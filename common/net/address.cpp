#include "common/net/address.h"

#include <arpa/inet.h>

namespace cairn {

namespace {

bool parses(int family, const std::string& address) {
  unsigned char bytes[sizeof(in6_addr)];
  return inet_pton(family, address.c_str(), bytes) == 1;
}

}  // namespace

bool is_ip_address(const std::string& address) {
  return parses(AF_INET, address) || parses(AF_INET6, address);
}

bool is_loopback(const std::string& address) {
  // A name may begin with 127. too.
  if (address.starts_with("127.")) return parses(AF_INET, address);
  return address == "::1" || address == "[::1]" || address == "localhost" || address == "lo";
}

}  // namespace cairn
