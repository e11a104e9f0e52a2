// Sizes that differ from batch to batch are rounded up, so that few occur: for every shape
// something is made, such as a product or a graph.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>

namespace cairn::math {

// Rounds up to eighths of powers of two, at least to multiples of 16: from 128 on it adds at most
// an eighth. A size that was rounded up stays.
constexpr size_t padded(size_t count) {
  constexpr size_t kLeast = 16;
  const size_t step = std::max(kLeast, std::bit_floor(count) / 8);
  return (count + step - 1) / step * step;
}

}  // namespace cairn::math
