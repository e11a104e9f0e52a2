// Inner product in 16 partial sums, an order that a compiler can vectorise and that no compiler
// changes.
#pragma once

#include <cstddef>

namespace cairn::math::cpu {

__attribute__((always_inline)) inline float dot(const float* __restrict a,
                                                const float* __restrict b, size_t count) {
  float partial[16] = {};
  size_t i = 0;
  for (; i + 16 <= count; i += 16)
    for (size_t j = 0; j < 16; ++j) partial[j] += a[i + j] * b[i + j];
  for (size_t j = 0; i + j < count; ++j) partial[j] += a[i + j] * b[i + j];
  for (size_t width = 8; width > 0; width /= 2)
    for (size_t j = 0; j < width; ++j) partial[j] += partial[j + width];
  return partial[0];
}

}  // namespace cairn::math::cpu
