// Rounding to bf16, for loops that a compiler vectorises.
#pragma once

#include <bit>
#include <cstdint>

#include "worker/math/tensor/tensor.h"

namespace cairn::math::cpu {

// To the nearest, ties to even: adds half of the part that is cut off, less one bit where the
// result is even. A NaN stays a NaN, which a carry would end.
__attribute__((always_inline)) inline Bfloat16 rounded(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  const uint32_t nearest = bits + 0x7fff + (bits >> 16 & 1);
  const bool is_nan = (bits & 0x7fffffff) > 0x7f800000;
  return {static_cast<uint16_t>((is_nan ? bits | 0x00400000 : nearest) >> 16)};
}

}  // namespace cairn::math::cpu
