#include <cub/device/device_radix_sort.cuh>

#include "worker/math/ops/cuda/sort.h"

namespace cairn::math::CAIRN_KERNELS {
namespace {

void must(cudaError_t error) {
  check(error == cudaSuccess, error == cudaSuccess ? "" : cudaGetErrorString(error));
}

}  // namespace

size_t sort_scratch_bytes(size_t count, int bits) {
  size_t bytes = 0;
  const uint32_t* in = nullptr;
  uint32_t* out = nullptr;
  must(cub::DeviceRadixSort::SortPairs(nullptr, bytes, in, out, in, out, static_cast<int>(count), 0,
                                       bits));
  return bytes;
}

void sort_pairs(const uint32_t* keys, uint32_t* sorted_keys, const uint32_t* values,
                uint32_t* sorted_values, size_t count, int bits, void* scratch,
                size_t scratch_bytes) {
  must(cub::DeviceRadixSort::SortPairs(scratch, scratch_bytes, keys, sorted_keys, values,
                                       sorted_values, static_cast<int>(count), 0, bits,
                                       device().cuda_stream()));
  device().launched();
}

}  // namespace cairn::math::CAIRN_KERNELS
