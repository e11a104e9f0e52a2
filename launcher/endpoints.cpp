#include "launcher/endpoints.h"

#include <fmt/core.h>

#include "common/net/address.h"
#include "launcher/host.h"

namespace cairn::launcher {

Result<std::string> endpoint_pattern(const PsConfig& ps, bool one_host, uint64_t incarnation) {
  const auto wrong = [](std::string message) {
    return Error{ErrorCode::kInvalidArgument, std::move(message)};
  };
  const bool ipc = ps.transport == "ipc" || (ps.transport == "auto" && one_host);
  if (ipc && !one_host)
    return wrong("ps.transport is ipc, but the ranks are on several hosts; use tcp or auto");
  if (ipc) return "ipc://" + socket_folder(incarnation).string() + "/shard-{shard}";
  if (is_loopback(ps.address) && !one_host)
    return wrong(
        fmt::format("the ranks are on several hosts, and ps.address {} is reached from none "
                    "but its own; name an address or a network interface (\"eth0\")",
                    ps.address));
  if (!is_loopback(ps.address) && !ps.allow_insecure)
    return wrong(
        fmt::format("ps.address {} is open to the network, and what is sent there is neither "
                    "encrypted nor authenticated; set ps.allow_insecure: true if that network "
                    "is trusted",
                    ps.address));
  return "tcp://" + ps.address + ":*";
}

Endpoint reachable(Endpoint endpoint, const std::string& host_name) {
  for (const std::string any : {"tcp://0.0.0.0:", "tcp://[::]:"})
    if (endpoint.address.starts_with(any))
      endpoint.address = "tcp://" + host_name + ":" + endpoint.address.substr(any.size());
  return endpoint;
}

std::string scrape_address(const MetricsConfig& metrics, const std::string& host_name,
                           uint16_t port) {
  const bool any = metrics.address == "0.0.0.0" || metrics.address == "::";
  const std::string host = any ? host_name.substr(0, host_name.find(' ')) : metrics.address;
  const bool bare_ipv6 = host.find(':') != std::string::npos && !host.starts_with('[');
  return fmt::format("{}{}{}:{}", bare_ipv6 ? "[" : "", host, bare_ipv6 ? "]" : "", port);
}

}  // namespace cairn::launcher
