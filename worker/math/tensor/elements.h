// How operations on tensors walk over their elements: internal to worker/math/tensor/.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "worker/math/tensor/tensor.h"

namespace cairn::math {

// ---- elements by type: how one is read and written, and the type to compute in

template <typename T>
struct Element {
  using Value = T;
  static T read(const void* at) { return *static_cast<const T*>(at); }
  static void write(void* at, T value) { *static_cast<T*>(at) = value; }
};
template <>
struct Element<Bfloat16> {
  using Value = float;
  static float read(const void* at) {
    return std::bit_cast<float>(uint32_t{static_cast<const Bfloat16*>(at)->bits} << 16);
  }
  // To the nearest, ties to even; a NaN stays one.
  static void write(void* at, float value) {
    const auto bits = std::bit_cast<uint32_t>(value);
    const uint32_t rounded = value != value ? bits | 0x400000 : bits + 0x7fff + (bits >> 16 & 1);
    static_cast<Bfloat16*>(at)->bits = static_cast<uint16_t>(rounded >> 16);
  }
};

template <typename Function>
auto with_element(DType dtype, Function function) {
  switch (dtype) {
    case DType::kF64:
      return function(Element<double>());
    case DType::kBf16:
      return function(Element<Bfloat16>());
    case DType::kI64:
      return function(Element<int64_t>());
    case DType::kF32:
      break;
  }
  return function(Element<float>());
}

// ---- places

// Walks over all places of a shape in row-major order, in several tensors of it at once.
template <size_t kTensors>
class Places {
 public:
  Places(const Shape& shape, const std::array<const Tensor*, kTensors>& tensors) : shape_(shape) {
    for (size_t t = 0; t < kTensors; ++t) {
      at_[t] = static_cast<char*>(tensors[t]->data);
      for (size_t axis = 0; axis < shape.rank(); ++axis)
        steps_[t][axis] = tensors[t]->strides[axis] * size_of(tensors[t]->dtype);
    }
  }

  template <typename Function>
  void each(Function function) {
    for (size_t left = shape_.size(); left > 0; --left) {
      function(at_);
      advance();
    }
  }

 private:
  void advance() {
    for (size_t axis = shape_.rank(); axis-- > 0;) {
      const bool carries = ++index_[axis] == shape_[axis];
      for (size_t t = 0; t < kTensors; ++t)
        at_[t] += carries ? -static_cast<ptrdiff_t>((shape_[axis] - 1) * steps_[t][axis])
                          : static_cast<ptrdiff_t>(steps_[t][axis]);
      if (!carries) return;
      index_[axis] = 0;
    }
  }

  Shape shape_;
  std::array<char*, kTensors> at_ = {};
  std::array<Strides, kTensors> steps_ = {};  // in bytes
  std::array<size_t, kRankMax> index_ = {};
};

}  // namespace cairn::math
