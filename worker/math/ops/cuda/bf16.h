// Rounding to bf16 in bodies.
#pragma once

#include <bit>
#include <cstdint>

#include "worker/math/ops/cuda/launch.h"
#include "worker/math/tensor/tensor.h"

namespace cairn::math::CAIRN_KERNELS {

// To the nearest, ties to even, as worker/math/ops/cpu/round.h does it: the same bits.
CAIRN_INLINE Bfloat16 rounded(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  const uint32_t nearest = bits + 0x7fff + (bits >> 16 & 1);
  const bool is_nan = (bits & 0x7fffffff) > 0x7f800000;
  return {static_cast<uint16_t>((is_nan ? bits | 0x00400000 : nearest) >> 16)};
}

}  // namespace cairn::math::CAIRN_KERNELS
