// Rows of every table in the host's memory, which a device copies from or to: pinned, so that
// copies are fast. The buffers grow to the largest batch and stay. Thread safety: none.
#pragma once

#include <cstddef>
#include <vector>

#include "worker/math/tensor/memory.h"

namespace cairn::math {

class RowBuffers {
 public:
  // `memory`: of the device. It outlives the buffers.
  RowBuffers(size_t tables, Memory& memory) : tables(tables), memory_(memory) {}
  ~RowBuffers();
  RowBuffers(const RowBuffers&) = delete;
  RowBuffers& operator=(const RowBuffers&) = delete;

  // Makes tables[t] `floats` long. Views given before are no longer valid.
  void resize(size_t t, size_t floats);

  std::vector<std::vector<float>> tables;  // each [rows, dim]; their capacity is not to be changed

 private:
  Memory& memory_;
};

}  // namespace cairn::math
