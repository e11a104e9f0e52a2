// Exchanges between the workers of a job. Versions for numbers in the host's memory: MpiCollective
// (worker/collective/mpi_collective.h, over a communicator of workers only) and MemoryCollective
// (worker/collective/memory_collective.h, worker threads of one process). Both sum in rank order,
// so they give the same bits. Versions for numbers in a device's memory, each over one of those:
// StagedCollective (worker/collective/staged_collective.h, the same bits) and NcclCollective
// (worker/collective/nccl_collective.h, in NCCL's order). One contract test runs over all.
//
// Every call is made by all ranks, in the same order. Thread safety: each rank's object belongs to
// one thread; MPI's to the main thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "common/config/model_config.h"
#include "common/result.h"

namespace cairn::collective {

// Travels with every all-reduce, so that signals, errors and ends take effect at the same step on
// every worker. `stop` and `error` hold where one worker's does, the rest is summed in rank order.
struct Control {
  uint32_t stop = 0;              // 1: finish this step, write a checkpoint, exit 4
  uint32_t error = 0;             // 1: this worker has failed, leave after this step
  uint64_t next_samples = 0;      // rows that this worker has for the next step
  uint64_t bad_samples = 0;       // met so far, in batches used
  double losses[kTasksMax] = {};  // this worker's part, by task
};
static_assert(std::is_trivially_copyable_v<Control>);

class Collective {
 public:
  virtual ~Collective() = default;

  virtual uint32_t rank() const = 0;
  virtual uint32_t size() const = 0;

  // Begins to sum a part of what the next all_reduce of this rank will sum, as soon as what the
  // device was given before has happened; until that call returns nobody touches it. Every rank
  // begins the same parts in the same order, and they do not overlap; a rank that then fails (its
  // control has an error) may leave out the last ones, or all. An implementation that cannot begin
  // early leaves it to all_reduce, which also reports what goes wrong here.
  virtual void start(std::span<float> part) { (void)part; }

  // Replaces `values` (as long on every rank) by the sum over ranks, added in rank order: pieces go
  // to their owners, are summed there and gathered. They stand in the memory that the collective
  // was made for. Returns every rank's control, by rank. Errors: kUnavailable where a rank is lost,
  // kTimedOut where one does not come.
  virtual Result<std::vector<Control>> all_reduce(std::span<float> values, const Control& mine) = 0;

  // Every rank's bytes, by rank, on rank 0; nothing on the others. Lengths may differ.
  virtual Result<std::vector<std::string>> gather_to_first(std::string mine) = 0;

  // Whether a call has failed because a rank is lost. It lasts: nothing can be agreed on any more.
  virtual bool lost() const = 0;

  // Every rank's bytes, by rank, on every rank; lengths may differ.
  virtual Result<std::vector<std::string>> all_gather(std::string mine) = 0;
};

}  // namespace cairn::collective
