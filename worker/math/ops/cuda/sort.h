// Sorting: CUB's on a GPU, the standard library's on a HostDevice.
#pragma once

#include <cstddef>
#include <cstdint>

#include "worker/math/ops/cuda/launch.h"

namespace cairn::math::CAIRN_KERNELS {

// How many bytes of scratch `sort_pairs` wants.
size_t sort_scratch_bytes(size_t count, int bits);

// Sorts keys below 2^bits ascending, and the values with them; equal keys keep their order. The
// four arrays have `count` elements each and do not overlap.
void sort_pairs(const uint32_t* keys, uint32_t* sorted_keys, const uint32_t* values,
                uint32_t* sorted_values, size_t count, int bits, void* scratch,
                size_t scratch_bytes);

}  // namespace cairn::math::CAIRN_KERNELS
