// Checks that operations on bags of ids share.
#pragma once

#include "worker/math/ops/embedding.h"

namespace cairn::math::cpu {

// Ends the process unless the bag has `rows` rows and every index is below `table_rows`.
inline void check_bag(const BagView& bag, size_t table_rows, size_t rows) {
  check(bag.offsets.size() == rows + 1, "pool: offsets are not rows + 1");
  check(bag.offsets.front() == 0 && bag.offsets.back() == bag.index.size(),
        "pool: offsets do not span the occurrences");
  uint32_t highest = 0, ascending = 1;
  for (size_t r = 0; r < rows; ++r) ascending &= bag.offsets[r] <= bag.offsets[r + 1];
  for (const uint32_t i : bag.index) highest = i > highest ? i : highest;
  check(ascending, "pool: offsets descend");
  check(bag.index.empty() || highest < table_rows, "pool: an index is beyond the table's rows");
}

}  // namespace cairn::math::cpu
