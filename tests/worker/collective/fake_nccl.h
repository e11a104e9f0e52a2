// NCCL among threads of one process, each with a HostDevice of its own. It does what the real one
// does and code can forget: a communicator is made, and an all-reduce given to its stream, only
// when every rank has called, which `state` tells; an all-reduce reads and writes at its turn on
// the stream; a call before `state` allows it is refused; after an abort or a destroy every call
// is counted as a mistake. Sums are added in rank order.
//
// Only for devices that work in any order: one that works at once would keep its rank in `state`
// until the others have come to theirs.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "worker/collective/nccl_api.h"

namespace cairn::collective {

// The faults to inject. `from_sum` counts the all-reduces of a rank, from 0.
struct NcclFaults {
  static constexpr uint32_t kNobody = UINT32_MAX;

  bool no_id = false;
  uint32_t init_refused = kNobody;  // the rank whose init_rank returns an error
  uint32_t never_connects = kNobody;
  uint32_t connects_badly = kNobody;  // the rank that meets an error when all the others are ready
  uint32_t error = kNobody;           // the rank whose communicator meets an error
  uint32_t hangs = kNobody;           // the rank whose all-reduces reach no other
  uint64_t from_sum = 0;
  bool never_finalizes = false;
};

class FakeNccl {
 public:
  static constexpr NcclResult kSystemError{2}, kInvalidArgument{4}, kRemoteError{6};

  // Becomes the one that `api` is for; one at a time.
  explicit FakeNccl(uint32_t ranks, NcclFaults faults = {});
  ~FakeNccl();
  FakeNccl(const FakeNccl&) = delete;

  const NcclApi& api() const;

  struct Calls {
    uint64_t sums = 0, finalized = 0, destroyed = 0, aborted = 0;
    uint64_t after_the_end = 0;  // on a communicator that was destroyed or aborted
    uint64_t too_early = 0;      // while the communicator was busy
  };
  Calls calls(uint32_t rank) const;
  bool counts_differ() const;  // ranks that added arrays of different lengths

  // For the functions of the table.
  struct Sum;
  struct State;
  const std::unique_ptr<State> state;
};

}  // namespace cairn::collective
