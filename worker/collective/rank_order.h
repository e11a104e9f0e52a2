// The order in which every Collective sums, in one place, so that threads and processes give the
// same bits. Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace cairn::collective {

// The part of an array of `values` floats that rank `owner` of `ranks` sums.
struct Piece {
  size_t first = 0, count = 0;
};
constexpr Piece piece_of(size_t values, uint32_t owner, uint32_t ranks) {
  const size_t share = values / ranks, longer = values % ranks;  // the first `longer` have one more
  const size_t first = owner * share + (owner < longer ? owner : longer);
  return {first, share + (owner < longer ? 1 : 0)};
}

// out[i] = ((parts[0][i] + parts[1][i]) + parts[2][i]) + ...; every part is as long as `out`, which
// may be one of them.
void sum_in_rank_order(std::span<const float* const> parts, std::span<float> out);

}  // namespace cairn::collective
