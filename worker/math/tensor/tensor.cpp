#include "worker/math/tensor/tensor.h"

#include <fmt/format.h>

namespace cairn::math {

bool Tensor::contiguous() const {
  const Strides wanted = row_major(shape);
  for (size_t axis = 0; axis < rank(); ++axis)
    if (shape[axis] > 1 && strides[axis] != wanted[axis]) return false;
  return true;
}

Tensor Tensor::reshape(const Shape& to) const {
  if (to.size() != size()) shapes_differ("reshape", shape, to);
  check(contiguous(), "reshape of a tensor with gaps");
  return {data, to, dtype};
}

Tensor Tensor::transpose(std::span<const size_t> axes) const {
  Tensor y = *this;
  size_t seen = 0;
  for (size_t i = 0; i < axes.size(); ++i) {
    check(axes[i] < rank() && axes.size() == rank(), "transpose: not every axis once");
    seen |= size_t{1} << axes[i];
    y.shape[i] = shape[axes[i]];
    y.strides[i] = strides[axes[i]];
  }
  check(seen + 1 == size_t{1} << rank(), "transpose: not every axis once");
  return y;
}

Tensor Tensor::slice(size_t axis, size_t first, size_t count) const {
  check(axis < rank() && first <= shape[axis] && count <= shape[axis] - first,
        fmt::format("slice: {} from {} on axis {} of {}", count, first, axis, shape.text()));
  Tensor y = *this;
  y.data = static_cast<char*>(data) + first * strides[axis] * size_of(dtype);
  y.shape[axis] = count;
  return y;
}

Tensor Tensor::broadcast_to(const Shape& to) const {
  if (broadcast(shape, to, "broadcast") != to) shapes_differ("broadcast", shape, to);
  Tensor y = *this;
  y.shape = to;
  const size_t missing = to.rank() - rank();
  for (size_t axis = 0; axis < to.rank(); ++axis)
    y.strides[axis] =
        axis < missing || shape[axis - missing] != to[axis] ? 0 : strides[axis - missing];
  return y;
}

}  // namespace cairn::math
