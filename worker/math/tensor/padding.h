// Sizes that differ from batch to batch, rounded up so that few occur: every shape costs something
// that is made for it, a product or a graph.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>

namespace cairn {

// To eighths of powers of two: at most an eighth is added, but to fewer than 128. What has been
// rounded up stays.
constexpr size_t padded(size_t count) {
  constexpr size_t kLeast = 16;
  const size_t step = std::max(kLeast, std::bit_floor(count) / 8);
  return (count + step - 1) / step * step;
}

}  // namespace cairn
