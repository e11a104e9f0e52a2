// Pooled embedding: row r of y is the sum, the mean or the elementwise maximum of the table rows of
// bag r; zero for an empty bag. Shapes: table [unique, dim]; y [batch, dim]. Row-major float32.
// Outputs may not overlap inputs.
//
// The gradient of a maximum goes to the first id of the bag that has it.
// The backward adds row by row and occurrence by occurrence, so that its bits depend on the batch
// alone; several bags of one table are several calls, of which the first replaces.
#pragma once

#include <cstdint>
#include <span>

#include "common/config/job.h"
#include "worker/ops/gradient.h"

namespace cairn {

struct BagView {
  std::span<const uint32_t> offsets;  // [batch + 1], ascending from 0
  std::span<const uint32_t> index;    // [offsets.back()], each below the table's rows
  Pooling pooling = Pooling::kSum;
};

}  // namespace cairn
