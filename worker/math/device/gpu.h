// The GPUs that this process sees, for code that is in builds without CUDA too.
#pragma once

#include <cstdint>
#include <string>

#include "common/result.h"
#include "worker/math/device/device.h"

namespace cairn {

struct Gpu {
  Device* device = nullptr;  // of the calling thread, as long as it lives
  std::string bus_id;        // "0000:17:00.0"
};

// At least one. Errors: kInvalidArgument where this build has no CUDA, kUnavailable where no CUDA
// device is found.
Result<uint32_t> gpu_count();

// Makes GPU `number` the one that the calling thread computes on. Errors: kUnavailable.
Result<Gpu> open_gpu(uint32_t number);

}  // namespace cairn
