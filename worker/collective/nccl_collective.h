// A Collective whose ranks sum what stands in the memory of their GPUs, by NCCL, on a stream of its
// own. Everything small goes over the host's collective: the id that the ranks find each other by,
// the control vectors, texts.
//
// NCCL adds in an order of its own, which depends on the length of a part, the number of ranks and
// how their GPUs are connected: every rank has the same bits, and so has the same job on the same
// machines, but not one whose sums the hosts make (with two ranks there is one order only).
//
// Nothing here blocks in NCCL or the GPU. A launch that waits for another rank (the first ones do,
// as they connect) leaves later parts waiting, and `start` returns. A rank that fails before it has
// begun what the others have learns from them, in its all_reduce, what to begin; until then their
// GPUs wait for it. So a rank that the others exchange anything else with before its all_reduce
// begins no part early. What does not end within
// the timeout, or ends with an error of NCCL's, and a host collective that has lost a rank, abort
// the communicator: then every call returns that error, and the job ends as for a lost worker.
//
// Thread safety: none; it belongs to the thread of the device, which outlives it, as `host` does.
#pragma once

#include <chrono>
#include <memory>

#include "worker/collective/collective.h"
#include "worker/collective/nccl_api.h"

namespace cairn::collective {

struct NcclOptions {
  // How long a sum may take once every rank has come to it, and how long finding each other may.
  std::chrono::milliseconds timeout{120'000};
  // How long what a rank had sent may take to arrive after it has left, and how long leaving may.
  std::chrono::milliseconds grace{1'000};
};

// Called by all ranks at once, each with the GPU of the calling thread; no two may share one. The
// outcome is the same on every rank. Errors: kUnavailable or kTimedOut, naming the ranks that could
// not connect.
Result<std::unique_ptr<Collective>> make_nccl_collective(Collective& host, math::Device& device,
                                                         const NcclApi& api,
                                                         const NcclOptions& options);

}  // namespace cairn::collective
