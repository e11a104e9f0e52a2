// Matrix product: c = a b, or c += a b.
#pragma once

#include "worker/ops/gradient.h"

namespace cairn {

// A factor as it is stored, or its transpose.
struct Factor {
  ConstMatrix stored;
  bool transposed = false;

  Factor(ConstMatrix m) : stored(m) {}
  Factor(Matrix m) : stored(m) {}
  size_t rows() const { return transposed ? stored.cols : stored.rows; }
  size_t cols() const { return transposed ? stored.rows : stored.cols; }
};

inline Factor transpose(ConstMatrix m) {
  Factor factor(m);
  factor.transposed = true;
  return factor;
}

}  // namespace cairn
