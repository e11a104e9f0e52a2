// The words between a supervisor and the server process that it spawns: one line of
// JSON each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/net/endpoint.h"
#include "common/result.h"

namespace cairn::launcher {

struct ServerSpec {
  std::string job;  // resolved YAML
  uint64_t incarnation = 0;
  uint32_t rank = 0;    // of the supervisor; the metrics port counts from it
  uint32_t server = 0;  // hosts shards server * shards_per_server and the ones that follow
  uint64_t hot_bytes = 0;
  std::string endpoint;  // pattern, as in ServerOptions
  std::optional<std::string> checkpoint;
  // True of a server that takes a dead one's place: it recovers, binds where that one was bound,
  // and serves its metrics there.
  bool recover = false;
  std::vector<Endpoint> endpoints;
  uint16_t metrics_port = 0;
};

// The report of a process of the job when it has started, or failed to.
struct StartReport {
  int exit_code = 0;
  std::string message;  // of a failure
  std::vector<Endpoint> endpoints;
  uint16_t metrics_port = 0;      // 0: none
  std::vector<std::string> lost;  // of a recovery: what it could not bring back, for people
};

std::string to_line(const ServerSpec& spec);
std::string to_line(const StartReport& report);

// Errors: kCorrupt for what is no such line.
Result<ServerSpec> parse_spec(const std::string& line);
Result<StartReport> parse_report(const std::string& line);

}  // namespace cairn::launcher
