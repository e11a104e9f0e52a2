#include "ps/optimizers/finite.h"

#include <bit>
#include <cstddef>
#include <cstdint>

#include "common/simd.h"

namespace cairn::ps {

CAIRN_SIMD bool all_finite(std::span<const float> values) {
  // NaN and infinity are the floats whose exponent is all ones. No early exit: the loop is short,
  // and branches would keep it scalar.
  constexpr uint32_t kExponent = 0x7F800000;
  uint32_t bad = 0;
  for (const float value : values)
    bad |= (std::bit_cast<uint32_t>(value) & kExponent) == kExponent ? 1u : 0u;
  return bad == 0;
}

}  // namespace cairn::ps
