// How backward operations that only add prepare the targets of their gradients.
#pragma once

#include "worker/math/ops/cpu/cpu.h"

namespace cairn::math::cpu {

// Zeroes the gradient unless it is added to already. Then the operation may add to it.
inline void begin(const Gradient& gradient) {
  if (gradient.wanted() && !gradient.adds()) zero(gradient.into);
}

// Row r of the gradient; null where nobody wants it.
inline float* row_of(const Gradient& gradient, size_t r) {
  return gradient.wanted() ? gradient.into.row(r) : nullptr;
}

inline bool is(ConstMatrix m, size_t rows, size_t cols) { return m.rows == rows && m.cols == cols; }

}  // namespace cairn::math::cpu
