// A server rank of an mpirun: the supervisor of one server process.
#pragma once

#include <memory>

#include "common/config/job.h"
#include "launcher/server_spec.h"
#include "launcher/supervisor.h"

namespace cairn::launcher {

class ServerRank {
 public:
  explicit ServerRank(const JobConfig& job) : job_(job) {}

  // Spawns `cairn ps` and waits until it serves; the report is of that process, or of why there is
  // none.
  StartReport start(const ServerSpec& spec);

  // Where the server process has died, starts one that recovers in its place, on the same
  // endpoints, and waits until it serves; at most ps.max_respawns times. Errors: kUnavailable, as
  // Supervisor::watch, where it may not or cannot; never before `start` has succeeded.
  Status watch();

  StartReport finish();

 private:
  StartReport spawn();
  bool may_respawn() const;

  const JobConfig& job_;
  ServerSpec spec_;
  uint32_t respawns_ = 0;
  std::unique_ptr<Supervisor> supervisor_;
};

}  // namespace cairn::launcher
