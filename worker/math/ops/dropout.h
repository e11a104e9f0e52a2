// Dropout: y = x * mask, where mask is 0 for a unit that is dropped, else 1 / (1 - share dropped).
// Source: Srivastava et al., JMLR 15 (2014), scaled while training ("inverted").
// Shapes: x, y, mask [batch, units]. Row-major float32. Outputs may not overlap inputs.
//
// Whether unit u of sample r of the global batch is dropped depends on (seed, step, layer, r, u)
// alone. The draw is philox(seed ^ kDropout, step << 16 | layer, r << 16 | u / 8): 128 bits, or
// eight numbers of 16 bits, the lowest of the first word first. The unit is dropped where number
// u % 8 is below round(rate * 65536). So W workers drop what one would, and a resumed step drops
// the same again.
#pragma once

#include <cstdint>

#include "worker/math/ops/gradient.h"

namespace cairn::math {

inline constexpr uint64_t kDropout = 0x64726f706f7574;  // "dropout"

// The part of a draw's key that changes from step to step. It stands in the memory of the numbers,
// so that a device can launch a kept graph again for another step.
struct StepNumbers {
  uint64_t step = 0, first_sample = 0;
};

struct DropoutKey {
  uint64_t seed = 0;
  uint32_t layer = 0;  // below 65,536, as units are
  const StepNumbers* at = nullptr;
};

}  // namespace cairn::math
