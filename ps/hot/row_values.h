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

// For a layout that holds the step that created the row; in floats [layout.floats()] as load_row
// gives them, and in a row.
inline uint32_t created_step(const RowLayout& layout, const float* floats) {
  return std::bit_cast<uint32_t>(floats[layout.floats() - 1]);
}
void set_created_step(const RowLayout& layout, uint32_t step, HotRow& row);

// floats [layout.floats()]: weights, then what stands behind them, exactly.
void load_row(const RowLayout& layout, const HotRow& row, float* floats);
// The way back. Weights are rounded to the nearest of layout.dtype, if they are not of it already.
void store_row(const RowLayout& layout, const float* floats, HotRow& row);

}  // namespace cairn::ps
