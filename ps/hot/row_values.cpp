#include "ps/hot/row_values.h"

#include <cstring>

#include "common/values.h"

namespace cairn::ps {

void load_row(const RowLayout& layout, const HotRow& row, float* floats) {
  widen(row.bytes(), layout.dtype, floats, layout.dim);
  std::memcpy(floats + layout.dim, row.bytes() + layout.hot_state_offset(), layout.tail_bytes());
}

void set_created_step(const RowLayout& layout, uint32_t step, HotRow& row) {
  std::memcpy(hot_state(layout, row).data() + layout.state_floats, &step, sizeof step);
}

void store_row(const RowLayout& layout, const float* floats, HotRow& row) {
  narrow(floats, layout.dtype, row.bytes(), layout.dim);
  std::memcpy(row.bytes() + layout.hot_state_offset(), floats + layout.dim, layout.tail_bytes());
}

}  // namespace cairn::ps
