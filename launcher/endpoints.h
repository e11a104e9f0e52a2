// Where the shards of a job and its metrics are reached. Pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "common/config/ps_config.h"
#include "common/config/run_config.h"
#include "common/net/endpoint.h"
#include "common/result.h"

namespace cairn::launcher {

// The endpoint of shard k, with {shard} for k; a port of tcp is chosen by the system. `auto` is ipc
// where all ranks share a host, else tcp. Errors: kInvalidArgument for ipc over hosts, for loopback
// over hosts, and for an address off loopback without ps.allow_insecure, as nothing on it is
// encrypted.
Result<std::string> endpoint_pattern(const PsConfig& ps, bool one_host, uint64_t incarnation);

// A bound endpoint as others reach it: an unspecified address ("0.0.0.0") becomes the host's name.
Endpoint reachable(Endpoint endpoint, const std::string& host_name);

// host:port of a rank's metrics.
std::string scrape_address(const MetricsConfig& metrics, const std::string& host_name,
                           uint16_t port);

}  // namespace cairn::launcher
