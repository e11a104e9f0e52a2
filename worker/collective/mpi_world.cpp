#include "worker/collective/mpi_world.h"

#include <mpi.h>

#include <cstdlib>

#include "worker/collective/mpi_collective.h"

namespace cairn::collective {

bool MpiWorld::started_by_mpirun() { return std::getenv("OMPI_COMM_WORLD_SIZE") != nullptr; }

Result<std::unique_ptr<MpiWorld>> MpiWorld::init() {
  int provided = MPI_THREAD_SINGLE;
  if (MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS)
    return Error{ErrorCode::kUnavailable, "MPI_Init_thread failed"};
  if (provided < MPI_THREAD_FUNNELED)
    return Error{ErrorCode::kUnavailable, "this MPI does not allow threads beside its own"};
  return std::unique_ptr<MpiWorld>(new MpiWorld);
}

MpiWorld::~MpiWorld() { MPI_Finalize(); }

std::unique_ptr<Collective> MpiWorld::everyone(std::function<void()> while_waiting) {
  MPI_Comm all = MPI_COMM_NULL;
  MPI_Comm_dup(MPI_COMM_WORLD, &all);
  return make_mpi_collective(all, std::move(while_waiting));
}

std::unique_ptr<Collective> MpiWorld::members_only(bool member) {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm part = MPI_COMM_NULL;
  MPI_Comm_split(MPI_COMM_WORLD, member ? 0 : MPI_UNDEFINED, rank, &part);
  if (!member) return nullptr;
  return make_mpi_collective(part, nullptr);
}

void MpiWorld::abort(int exit_code) {
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::_Exit(exit_code);
}

}  // namespace cairn::collective
