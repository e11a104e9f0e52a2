#include "launcher/placement.h"

#include <fmt/core.h>

#include <algorithm>

namespace cairn::launcher {

namespace {

struct Host {
  std::string name;
  std::vector<uint32_t> free;  // ranks that may become servers
  uint32_t servers = 0;
};

// In the order of their first ranks.
std::vector<Host> hosts_of(std::span<const std::string> names) {
  std::vector<Host> hosts;
  for (uint32_t rank = 0; rank < names.size(); ++rank) {
    auto host = std::ranges::find(hosts, names[rank], &Host::name);
    if (host == hosts.end()) host = hosts.insert(host, Host{names[rank], {}, 0});
    if (rank != 0) host->free.push_back(rank);
  }
  return hosts;
}

}  // namespace

Result<std::vector<Role>> place(std::span<const std::string> hosts, uint32_t servers,
                                uint32_t workers) {
  if (workers == 0)
    return Error{ErrorCode::kInvalidArgument,
                 "the job has no worker; train.workers must be 1 or more"};
  if (hosts.size() != size_t{servers} + workers)
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("the job needs {} processes ({} servers and {} workers), mpirun started "
                    "{}; start it with `mpirun -np {} cairn ...`, or without mpirun",
                    servers + workers, servers, workers, hosts.size(), servers + workers)};

  std::vector<Role> roles(hosts.size());
  std::vector<Host> places = hosts_of(hosts);
  for (uint32_t i = 0; i < servers; ++i) {
    Host* emptiest = nullptr;
    for (Host& host : places)
      if (!host.free.empty() && (!emptiest || host.servers < emptiest->servers)) emptiest = &host;
    roles[emptiest->free.back()].is_server = true;
    emptiest->free.pop_back();
    ++emptiest->servers;
  }
  uint32_t next_server = 0, next_worker = 0;
  for (Role& role : roles) role.index = role.is_server ? next_server++ : next_worker++;
  return roles;
}

std::string name_of(const Role& role) {
  return fmt::format("{} {}", role.is_server ? "the supervisor of server" : "worker", role.index);
}

uint32_t servers_beside(std::span<const std::string> hosts, std::span<const Role> roles,
                        uint32_t rank) {
  uint32_t servers = 0;
  for (size_t other = 0; other < roles.size(); ++other)
    servers += roles[other].is_server && hosts[other] == hosts[rank];
  return servers;
}

}  // namespace cairn::launcher
