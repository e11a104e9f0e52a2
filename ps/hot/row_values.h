// The values of a row in memory, whatever their type. Thread safety: pure functions.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

#include "ps/hot/row_slab.h"

namespace cairn::ps {

inline std::span<float> hot_state(const RowLayout& layout, HotRow& row) {
  return {reinterpret_cast<float*>(row.bytes() + layout.hot_state_offset()), layout.state_floats};
}

// The step that created the row, for a layout that holds it. One function reads floats
// [layout.floats()] as load_row gives them, the other writes a row.
inline uint32_t created_step(const RowLayout& layout, const float* floats) {
  return std::bit_cast<uint32_t>(floats[layout.floats() - 1]);
}
void set_created_step(const RowLayout& layout, uint32_t step, HotRow& row);

// Fills floats [layout.floats()] exactly: weights, then what stands behind the weights in the row.
void load_row(const RowLayout& layout, const HotRow& row, float* floats);
// Writes floats back into a row. Weights that are not of layout.dtype are rounded to the nearest
// that is.
void store_row(const RowLayout& layout, const float* floats, HotRow& row);

}  // namespace cairn::ps
