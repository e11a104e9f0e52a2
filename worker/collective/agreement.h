// Decisions that all workers must make alike. Thread safety: as the Collective's.
#pragma once

#include <string>

#include "common/result.h"
#include "worker/collective/collective.h"

namespace cairn::collective {

// Ok if every rank's status is; else the error of the lowest rank that has one, the same on every
// rank. An error of the collective itself is returned as it is, with `kUnavailable`.
Status agree(collective::Collective& collective, const Status& mine);

// Rank 0's bytes, or its error, on every rank; the other ranks' argument is not looked at.
Result<std::string> from_first(collective::Collective& collective, const Result<std::string>& mine);

}  // namespace cairn::collective
