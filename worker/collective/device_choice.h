// On which device each worker computes, and which Collective sums what stands there. All workers
// decide together, from what each says of its place.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "worker/collective/collective.h"
#include "worker/collective/nccl_collective.h"
#include "worker/math/tensor/memory.h"

namespace cairn::collective {

// Ok where every rank names the same device. Errors: kInvalidArgument, the same on every rank,
// naming two ranks that do not; the collective's own.
Status agree_on_device(Collective& collective, const std::string& device);

// This host, in the same words in each of its processes and in no other host's: its name and the id
// of its boot, as containers may share a name.
std::string host_of_this_process();

// The place of `rank` among the ranks of its host. Pure.
uint32_t local_rank(std::span<const std::string> hosts, uint32_t rank);

// Chooses this process's own among the `gpus` that it sees: they are dealt to the ranks of a host
// in turn. `host`: host_of_this_process(). Errors: the collective's.
Result<uint32_t> choose_gpu(Collective& collective, const std::string& host, uint32_t gpus);

// Where a rank computes, as NCCL sees it.
struct GpuPlace {
  std::string host;  // NCCL_HOSTID where it is set, else host_of_this_process()
  std::string gpu;   // its bus id: what is GPU 0 to one process may be another's GPU 1
  bool has_nccl = false;
};

// Empty where NCCL can sum over these places, by rank; else what keeps it from that. Pure.
std::string why_not_nccl(std::span<const GpuPlace> places);

// NcclCollective where every rank has a GPU of its own; else StagedCollective, and rank 0 logs why.
// Called by all ranks at once. `api`: null where this build has none. Errors: as
// make_nccl_collective.
Result<std::unique_ptr<Collective>> make_gpu_collective(Collective& host, math::Device& device,
                                                        const std::string& bus_id,
                                                        const NcclApi* api,
                                                        const NcclOptions& options);

}  // namespace cairn::collective
