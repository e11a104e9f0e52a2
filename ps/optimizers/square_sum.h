// Sum of squares, for norms of rows. Thread safety: pure function.
#pragma once

#include <cstddef>

namespace cairn::ps {

// Keeps eight sums and adds them at the end. The compiler may not vectorise a single sum, as its
// order decides its bits. The function is always inlined, so that it is compiled like its
// CAIRN_SIMD caller.
[[gnu::always_inline]] inline float square_sum(const float* values, size_t count) {
  constexpr size_t kLanes = 8;
  float sums[kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (size_t lane = 0; lane < kLanes; ++lane) sums[lane] += values[i + lane] * values[i + lane];
  for (; i < count; ++i) sums[i % kLanes] += values[i] * values[i];
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

}  // namespace cairn::ps
