// A Collective over an MPI communicator. Only mpi_world.cpp includes this: mpi.h stays in two
// sources.
//
// MPI's own waits spin, which would starve the shards of a small host, so nothing here blocks in
// MPI: requests are tested, at first at once, then between sleeps that grow to a millisecond.
//
// Pieces of an array go to their owners and come back summed (a reduce-scatter and an all-gather,
// as in Thakur, Rabenseifner, Gropp, IJHPCA 2005), but are summed by us in rank order, so the bits
// do not depend on the algorithm that MPI would choose. Thread safety: none; the main thread's
// (MPI_THREAD_FUNNELED).
#pragma once

#include <mpi.h>

#include <functional>
#include <memory>

#include "worker/collective/collective.h"

namespace cairn::collective {

// Takes `communicator` over and frees it. `while_waiting`, if there is one, is called between tests
// instead of the short sleeps; it sleeps itself.
std::unique_ptr<Collective> make_mpi_collective(MPI_Comm communicator,
                                                std::function<void()> while_waiting);

}  // namespace cairn::collective
