// Pooled embedding: row r of y is the sum, the mean or the elementwise maximum of the table rows of
// bag r; zero for an empty bag. Shapes: table [unique, dim]; y [batch, dim]. Row-major float32.
// Outputs may not overlap inputs.
//
// The gradient of a maximum goes to the first id of the bag that has it. The backward adds in an
// order that depends on the batch alone: on the CPU bag by bag, row by row and occurrence by
// occurrence.
#pragma once

#include <cstdint>
#include <span>

#include "common/config/feature_config.h"
#include "worker/math/ops/gradient.h"

namespace cairn::math {

struct BagView {
  std::span<const uint32_t> offsets;  // [batch + 1], ascending from 0
  std::span<const uint32_t> index;    // [offsets.back()], each below the table's rows
  Pooling pooling = Pooling::kSum;
};

// Moves the content of a row to another row of the same matrix.
struct RowMove {
  uint32_t from, to;
};

// One of several bags that are pooled side by side: it fills columns [column, column + dim) of y.
struct PooledBag {
  BagView bag;
  ConstMatrix table;
  size_t column = 0;
};

}  // namespace cairn::math
