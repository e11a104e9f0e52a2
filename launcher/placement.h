// Decides which rank of an mpirun does what. Pure functions: every rank computes the same from the
// same host names.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/result.h"

namespace cairn::launcher {

struct Role {
  bool is_server = false;
  uint32_t index = 0;  // of the server, or the rank of the worker among workers
  friend bool operator==(const Role&, const Role&) = default;
};

// One role a rank. Rank 0 is worker 0. Servers are spread over the hosts as evenly as the hosts'
// ranks allow, on the last ranks of each; servers and workers are numbered in the order of their
// ranks. Errors: kInvalidArgument where there are not exactly servers + workers ranks, or no
// worker.
Result<std::vector<Role>> place(std::span<const std::string> hosts, uint32_t servers,
                                uint32_t workers);

// As people call it: "worker 1", "the supervisor of server 0".
std::string name_of(const Role& role);

// Servers on the host of `rank`, among which that host's memory is divided.
uint32_t servers_beside(std::span<const std::string> hosts, std::span<const Role> roles,
                        uint32_t rank);

}  // namespace cairn::launcher
