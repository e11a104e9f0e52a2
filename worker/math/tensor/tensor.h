// Matrices and tensors: views of numbers in storage that somebody else owns. Those of a step are an
// arena's (worker/math/tensor/arena.h), parameters are the model's, rows and labels the trainer's.
//
// Models compute on matrices [rows, cols], row-major. `row_stride` is the distance between the
// starts of two rows, in elements, so that some columns of a matrix are a matrix too. A `Tensor`
// has any rank and type, and one stride per axis. Its operations stand in
// worker/math/tensor/tensor_ops.h, its files in worker/math/tensor/npy.h. Thread safety: plain
// values; the storage is as safe as its owner says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "common/check.h"
#include "worker/math/tensor/shape.h"

namespace cairn::math {

enum class DType : uint8_t { kF32, kF64, kBf16, kI64 };

constexpr size_t size_of(DType type) {
  return type == DType::kF32 ? 4 : type == DType::kBf16 ? 2 : 8;
}
constexpr const char* name_of(DType type) {
  constexpr const char* kNames[] = {"f32", "f64", "bf16", "i64"};
  return kNames[static_cast<size_t>(type)];
}

// The upper half of a float32: the same range, 8 bits of precision.
struct Bfloat16 {
  uint16_t bits;
};

// Numbers as the operations see them. `T` is float or Bfloat16, or const.
template <typename T>
struct MatrixOf {
  T* data = nullptr;
  size_t rows = 0, cols = 0;
  size_t row_stride = 0;

  MatrixOf() = default;
  MatrixOf(T* data, size_t rows, size_t cols) : MatrixOf(data, rows, cols, cols) {}
  MatrixOf(T* data, size_t rows, size_t cols, size_t row_stride)
      : data(data), rows(rows), cols(cols), row_stride(row_stride) {}
  // A matrix that may be written may be read.
  operator MatrixOf<const T>() const requires(!std::is_const_v<T>) {
    return {data, rows, cols, row_stride};
  }

  bool empty() const { return data == nullptr; }
  bool contiguous() const { return row_stride == cols || rows <= 1; }
  T* row(size_t r) const { return data + r * row_stride; }
  MatrixOf columns(size_t first, size_t count) const {
    check(first + count <= cols, "columns beyond the matrix");
    return {data + first, rows, count, row_stride};
  }
};

using Matrix = MatrixOf<float>;
using ConstMatrix = MatrixOf<const float>;
// Factors of products, rounded from float32.
using RoundedMatrix = MatrixOf<Bfloat16>;
using ConstRoundedMatrix = MatrixOf<const Bfloat16>;

struct Tensor {
  void* data = nullptr;
  Shape shape;
  Strides strides;  // in elements; 0 along an axis that is broadcast
  DType dtype = DType::kF32;

  Tensor() = default;
  // Row-major, without gaps.
  Tensor(void* data, const Shape& shape, DType dtype)
      : data(data), shape(shape), strides(row_major(shape)), dtype(dtype) {}
  Tensor(Matrix m) : Tensor(m.data, {m.rows, m.cols}, DType::kF32) { strides[0] = m.row_stride; }

  bool empty() const { return data == nullptr; }
  size_t rank() const { return shape.rank(); }
  size_t size() const { return shape.size(); }
  size_t rows() const { return shape[0]; }  // rows and cols: for rank 2
  size_t cols() const { return shape[1]; }
  bool contiguous() const;
  // Errors end the process: another type or rank, or columns that stand apart.
  Matrix matrix() const {
    check(dtype == DType::kF32, "the tensor is not float32");
    check(shape.rank() == 2 && (strides[1] == 1 || shape[1] <= 1), "the tensor is no matrix");
    return {static_cast<float*>(data), shape[0], shape[1], strides[0]};
  }

  // Views of the same numbers. A view that cannot be had ends the process with both shapes.
  Tensor reshape(const Shape& to) const;                 // the tensor must have no gaps
  Tensor transpose(std::span<const size_t> axes) const;  // axis i becomes what axes[i] was
  Tensor slice(size_t axis, size_t first, size_t count) const;
  Tensor broadcast_to(const Shape& to) const;  // as NumPy does
};

}  // namespace cairn::math
