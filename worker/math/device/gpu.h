// The GPUs that this process sees, for code that is in builds without CUDA too.
#pragma once

#include <cstdint>
#include <string>

#include "common/result.h"
#include "worker/math/device/device.h"

namespace cairn::math {

struct Gpu {
  Device* device = nullptr;  // the calling thread's, as long as that lives
  std::string bus_id;        // "0000:17:00.0"
};

// How many there are, at least one. Errors: kInvalidArgument where this build has no CUDA,
// kUnavailable where no CUDA device is found.
Result<uint32_t> gpu_count();

// Makes GPU `number` the one that the calling thread computes on. Errors: kUnavailable.
Result<Gpu> open_gpu(uint32_t number);

}  // namespace cairn::math
