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

  // Errors: kUnavailable, as Keeper::watch; never before `start` has succeeded.
  Status watch() { return keeper_ ? keeper_->watch() : Status(Ok{}); }

  StartReport finish();

 private:
  const JobConfig& job_;
  std::unique_ptr<Keeper> keeper_;
};

}  // namespace cairn
