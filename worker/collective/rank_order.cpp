#include "worker/collective/rank_order.h"

#include <algorithm>

#include "common/check.h"
#include "common/simd.h"

namespace cairn::collective {

namespace {

CAIRN_SIMD void add_to(float* sums, const float* values, size_t count) {
  for (size_t i = 0; i < count; ++i) sums[i] += values[i];
}

}  // namespace

void sum_in_rank_order(std::span<const float* const> parts, std::span<float> out) {
  check(!parts.empty(), "a sum over no ranks");
  // A block at a time, summed aside: it stays in the cache over all parts, and `out` may be a part.
  constexpr size_t kBlock = 2048;
  float block[kBlock];
  for (size_t first = 0; first < out.size(); first += kBlock) {
    const size_t count = std::min(kBlock, out.size() - first);
    std::copy_n(parts[0] + first, count, block);
    for (size_t r = 1; r < parts.size(); ++r) add_to(block, parts[r] + first, count);
    std::copy_n(block, count, out.data() + first);
  }
}

}  // namespace cairn::collective
