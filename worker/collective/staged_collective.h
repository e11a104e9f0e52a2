// A Collective for numbers in a device's memory: all_reduce copies them to the host, sums them
// there and copies them back, so the bits are those of the host's collective. Everything else is
// the host's own. Used where NCCL cannot be: two workers on one GPU, or a build without it.
//
// Thread safety: none; it belongs to the thread of `host` and `memory`, which outlive it.
#pragma once

#include <memory>

#include "worker/collective/collective.h"
#include "worker/math/tensor/memory.h"

namespace cairn::collective {

// A single rank's numbers stay where they are, as they are.
std::unique_ptr<Collective> make_staged_collective(Collective& host, math::Memory& memory);

}  // namespace cairn::collective
