// All ranks of an mpirun, seen from one of them, without mpi.h.
//
// Thread safety: none; the main thread's (MPI_THREAD_FUNNELED). It outlives the collectives made
// from it.
#pragma once

#include <functional>
#include <memory>

#include "worker/collective/collective.h"

namespace cairn::collective {

class MpiWorld {
 public:
  // Whether mpirun started this process.
  static bool started_by_mpirun();

  // MPI_Init_thread; once a process. Errors: kUnavailable.
  static Result<std::unique_ptr<MpiWorld>> init();
  ~MpiWorld();  // MPI_Finalize: every rank comes here, at about the same time, as MPI spins in it

  // Called by all ranks at once. A rank that waits in it calls `while_waiting`, which sleeps; where
  // there is none, it tests again after a sleep of at most a millisecond.
  std::unique_ptr<Collective> everyone(std::function<void()> while_waiting = nullptr);

  // Called by all ranks at once; those with `member` get the collective of the members, in the
  // order of their ranks here; others get null.
  std::unique_ptr<Collective> members_only(bool member);

  // Ends every rank of the job at once.
  [[noreturn]] void abort(int exit_code);

 private:
  MpiWorld() = default;
};

}  // namespace cairn::collective
