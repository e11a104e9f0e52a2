#include <algorithm>
#include <numeric>
#include <vector>

#include "worker/math/ops/cuda/sort.h"

namespace cairn::math::CAIRN_KERNELS {

size_t sort_scratch_bytes(size_t, int) { return 0; }

void sort_pairs(const uint32_t* keys, uint32_t* sorted_keys, const uint32_t* values,
                uint32_t* sorted_values, size_t count, int bits, void*, size_t) {
  run([=] {
    std::vector<uint32_t> order(count);
    std::iota(order.begin(), order.end(), 0u);
    // As a radix sort, which sees these bits alone.
    const auto key = [&](uint32_t i) { return keys[i] & ((uint64_t{1} << bits) - 1); };
    std::stable_sort(order.begin(), order.end(),
                     [&](uint32_t a, uint32_t b) { return key(a) < key(b); });
    for (size_t i = 0; i < count; ++i) {
      sorted_keys[i] = keys[order[i]];
      sorted_values[i] = values[order[i]];
    }
  });
}

}  // namespace cairn::math::CAIRN_KERNELS
