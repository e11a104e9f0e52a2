#include "worker/math/tensor/row_buffers.h"

#include <algorithm>

namespace cairn::math {

RowBuffers::~RowBuffers() {
  for (std::vector<float>& rows : tables)
    if (rows.capacity() > 0) memory_.unpin(rows.data());
}

// Grows by at least a quarter: what is pinned is costly to move.
void RowBuffers::resize(size_t t, size_t floats) {
  std::vector<float>& rows = tables[t];
  if (floats > rows.capacity()) {
    if (rows.capacity() > 0) memory_.unpin(rows.data());
    const size_t room = std::max(floats, rows.capacity() + rows.capacity() / 4);
    rows = {};
    rows.reserve(room);
    memory_.pin(rows.data(), rows.capacity() * sizeof(float));
  }
  rows.resize(floats);
}

}  // namespace cairn::math
