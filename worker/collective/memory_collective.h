// A Collective whose ranks are threads of one process: `train --local` and the tests.
//
// A rank leaves by destroying its object. The calls that others then wait in, and all later ones,
// return kUnavailable; a call that every rank had already entered still succeeds. Thread safety:
// each object belongs to one thread; the objects of a group may be used at once.
#pragma once

#include <memory>
#include <vector>

#include "worker/collective/collective.h"

namespace cairn::collective {

// One object a rank, by rank.
std::vector<std::unique_ptr<Collective>> make_memory_collectives(uint32_t ranks);

}  // namespace cairn::collective
