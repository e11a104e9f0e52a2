// A server rank of an mpirun: the keeper of one server process.
#pragma once

#include <memory>

#include "common/config/job.h"
#include "launcher/keeper.h"
#include "launcher/server_orders.h"

namespace cairn {

class ServerRank {
 public:
  explicit ServerRank(const JobConfig& job) : job_(job) {}

  // Spawns `cairn ps` and waits until it serves; the report is of that process, or of why there is
  // none.
  StartReport start(const ServerOrders& orders);

  // Where the server process has died, starts one that recovers in its place, on the same
  // endpoints, and waits until it serves; at most ps.max_respawns times. Errors: kUnavailable, as
  // Keeper::watch, where it may not or cannot; never before `start` has succeeded.
  Status watch();

  StartReport finish();

 private:
  StartReport spawn();
  bool may_respawn() const;

  const JobConfig& job_;
  ServerOrders orders_;
  uint32_t respawns_ = 0;
  std::unique_ptr<Keeper> keeper_;
};

}  // namespace cairn
