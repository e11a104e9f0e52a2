// Matrix product: c = a b, or c += a b. Factors are both float32, or both rounded to bf16. Products
// of bf16 are exact in float32, and summed in it.
#pragma once

#include "worker/math/ops/gradient.h"

namespace cairn::math {

// A factor as it is stored, or its transpose.
struct Factor {
  const void* data;
  size_t stored_rows, stored_cols, row_stride;
  DType dtype;
  bool transposed = false;

  Factor(ConstMatrix m) : Factor(m.data, m.rows, m.cols, m.row_stride, DType::kF32) {}
  Factor(Matrix m) : Factor(ConstMatrix(m)) {}
  Factor(ConstRoundedMatrix m) : Factor(m.data, m.rows, m.cols, m.row_stride, DType::kBf16) {}
  Factor(RoundedMatrix m) : Factor(ConstRoundedMatrix(m)) {}
  size_t rows() const { return transposed ? stored_cols : stored_rows; }
  size_t cols() const { return transposed ? stored_rows : stored_cols; }

 private:
  Factor(const void* data, size_t rows, size_t cols, size_t row_stride, DType dtype)
      : data(data), stored_rows(rows), stored_cols(cols), row_stride(row_stride), dtype(dtype) {}
};

inline Factor transpose(Factor factor) {
  factor.transposed = !factor.transposed;
  return factor;
}

}  // namespace cairn::math
