// The functions of NCCL that NcclCollective calls, as a table: tests give a table of their own, and
// nccl.h stays in one source (nccl_api.cpp; where there is no NCCL, nccl_absent.cpp stands for it).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "common/result.h"
#include "worker/math/device/device.h"

namespace cairn::collective {

struct NcclCommunicator;  // ncclComm

using NcclId = std::array<char, 128>;  // ncclUniqueId

// ncclResult_t: every other number is an error.
enum class NcclResult : int { kSuccess = 0, kInProgress = 7 };

// Communicators are made non-blocking: a call may return kInProgress, and then the next one is
// allowed only when `state` says kSuccess. An all-reduce is on its stream only from then on.
struct NcclApi {
  NcclResult (*make_id)(NcclId& id);
  // On the thread's current GPU. `communicator` is set at once where NCCL has made anything.
  NcclResult (*init_rank)(NcclCommunicator*& communicator, uint32_t ranks, const NcclId& id,
                          uint32_t rank);
  // The state of the last call, or the error that came up since.
  NcclResult (*state)(NcclCommunicator* communicator);
  NcclResult (*all_reduce)(NcclCommunicator* communicator, float* values, size_t count,
                           math::Stream stream);
  // The end: `finalize`, then `destroy` once it is done; or `abort`, at any time, which ends what
  // is on the GPU.
  NcclResult (*finalize)(NcclCommunicator* communicator);
  NcclResult (*destroy)(NcclCommunicator* communicator);
  NcclResult (*abort)(NcclCommunicator* communicator);
  std::string (*text)(NcclResult result);
};

// Loads it the first time. Errors: kUnavailable where this build or this machine has no NCCL. What
// it points to lasts.
Result<const NcclApi*> nccl_api();

}  // namespace cairn::collective
