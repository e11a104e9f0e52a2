// What the mathematics computes on: a view of numbers in storage that somebody else owns, for a
// step an arena (worker/tensor/arena.h), for parameters the model, for rows and labels the trainer.
//
// Shapes are [rows, cols], row-major; `row_stride` is the distance between the starts of two rows,
// in elements, so that some columns of a matrix are a matrix too. Thread safety: plain values; the
// storage is as safe as its owner says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "common/check.h"

namespace cairn {

enum class DType : uint8_t { kF32, kBf16 };
enum class Device : uint8_t { kCpu };

constexpr size_t size_of(DType type) { return type == DType::kF32 ? 4 : 2; }

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
  // What may be written may be read.
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
  size_t rows = 0, cols = 0;
  size_t row_stride = 0;
  DType dtype = DType::kF32;
  Device device = Device::kCpu;

  Tensor() = default;
  Tensor(Matrix m) : data(m.data), rows(m.rows), cols(m.cols), row_stride(m.row_stride) {}

  bool empty() const { return data == nullptr; }
  Matrix matrix() const {
    check(dtype == DType::kF32, "the tensor is not float32");
    return {static_cast<float*>(data), rows, cols, row_stride};
  }
};

}  // namespace cairn
