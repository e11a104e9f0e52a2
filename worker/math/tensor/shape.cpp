#include "worker/math/tensor/shape.h"

#include <fmt/format.h>

#include <algorithm>

namespace cairn::math {

std::string Shape::text() const { return fmt::format("[{}]", fmt::join(begin(), end(), ", ")); }

Strides row_major(const Shape& shape) {
  Strides strides = {};
  size_t stride = 1;
  for (size_t axis = shape.rank(); axis-- > 0;) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

void shapes_differ(const char* operation, const Shape& a, const Shape& b) {
  check(false, fmt::format("{}: shapes {} and {} do not fit", operation, a.text(), b.text()));
  std::abort();
}

Shape broadcast(const Shape& a, const Shape& b, const char* operation) {
  Shape both;
  const size_t rank = std::max(a.rank(), b.rank());
  for (size_t axis = 0; axis < rank; ++axis) {
    const auto size_of = [&](const Shape& shape) {
      const size_t missing = rank - shape.rank();
      return axis < missing ? 1 : shape[axis - missing];
    };
    const size_t in_a = size_of(a), in_b = size_of(b);
    if (in_a != in_b && in_a != 1 && in_b != 1) shapes_differ(operation, a, b);
    both.append(in_a == 1 ? in_b : in_a);
  }
  return both;
}

}  // namespace cairn::math
