// Matrices, gradients and bags as bodies capture them: addresses on the device, without the calls
// that only the host's code can make.
#pragma once

#include <cstddef>
#include <cstdint>

#include "worker/math/ops/cuda/launch.h"
#include "worker/math/ops/embedding.h"
#include "worker/math/ops/gradient.h"

namespace cairn::math::CAIRN_KERNELS {

template <typename T>
struct ViewOf {
  T* data;
  size_t stride;

  CAIRN_INLINE T& at(size_t r, size_t c) const { return data[r * stride + c]; }
};
using View = ViewOf<float>;
using ConstView = ViewOf<const float>;

template <typename T>
ViewOf<T> view(MatrixOf<T> m) {
  return {m.data, m.row_stride};
}

// Where a backward leaves a gradient. Each element must be left once per operation, by one body:
// only then does the first writer replace what is there.
struct Target {
  float* data;  // null: nobody wants it, and `leave` does nothing
  size_t stride;
  bool adds;

  Target() : Target(Gradient{}) {}
  explicit Target(const Gradient& gradient)
      : data(gradient.into.data), stride(gradient.into.row_stride), adds(gradient.adds()) {}

  CAIRN_INLINE bool wanted() const { return data != nullptr; }
  CAIRN_INLINE void leave(size_t r, size_t c, float value) const {
    if (data == nullptr) return;
    float& at = data[r * stride + c];
    at = adds ? at + value : value;
  }
};

struct Bags {
  const uint32_t *offsets, *index;
  size_t count;

  explicit Bags(const BagView& bag)
      : offsets(bag.offsets.data()), index(bag.index.data()), count(bag.offsets.size() - 1) {
    check(!bag.offsets.empty(), "bags: no offsets");
  }

  // The number of ids. The host does not know it: `index` may be padded.
  CAIRN_INLINE size_t ids() const { return offsets[count]; }
  // The bag of id i, below ids().
  CAIRN_INLINE size_t bag_of(size_t i) const {
    size_t first = 0, last = count;  // offsets[first] <= i < offsets[last]
    while (last - first > 1) {
      const size_t middle = (first + last) / 2;
      if (offsets[middle] <= i) {
        first = middle;
      } else {
        last = middle;
      }
    }
    return first;
  }
};

// For checks on the host, which knows sizes and nothing else.
inline bool is(ConstMatrix m, size_t rows, size_t cols) { return m.rows == rows && m.cols == cols; }

}  // namespace cairn::math::CAIRN_KERNELS
