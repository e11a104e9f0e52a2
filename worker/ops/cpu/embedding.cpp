#include <cstring>

#include "common/simd.h"
#include "worker/ops/cpu/cpu.h"

namespace cairn::cpu {
namespace {

void check_shapes(const BagView& bag, ConstMatrix table, ConstMatrix y) {
  check(table.cols == y.cols, "pool: table and output differ in dim");
  check(bag.offsets.size() == y.rows + 1, "pool: offsets are not rows + 1");
  check(bag.offsets.front() == 0 && bag.offsets.back() == bag.index.size(),
        "pool: offsets do not span the occurrences");
  uint32_t highest = 0, ascending = 1;
  for (size_t r = 0; r < y.rows; ++r) ascending &= bag.offsets[r] <= bag.offsets[r + 1];
  for (const uint32_t i : bag.index) highest = i > highest ? i : highest;
  check(ascending, "pool: offsets descend");
  check(bag.index.empty() || highest < table.rows, "pool: an index is beyond the table's rows");
}

float share(const BagView& bag, size_t count) {
  return bag.pooling == Pooling::kMean && count > 1 ? 1.0f / static_cast<float>(count) : 1.0f;
}

CAIRN_SIMD void add(const float* __restrict x, float* __restrict y, size_t dim) {
  for (size_t i = 0; i < dim; ++i) y[i] += x[i];
}

CAIRN_SIMD void add_scaled(const float* __restrict x, float scale, float* __restrict y,
                           size_t dim) {
  for (size_t i = 0; i < dim; ++i) y[i] += scale * x[i];
}

CAIRN_SIMD void multiply(float* y, float scale, size_t dim) {
  for (size_t i = 0; i < dim; ++i) y[i] *= scale;
}

}  // namespace

void pool_forward(const BagView& bag, ConstMatrix table, Matrix y) {
  check_shapes(bag, table, y);
  const size_t row_bytes = y.cols * sizeof(float);
  for (size_t r = 0; r < y.rows; ++r) {
    const uint32_t first = bag.offsets[r], last = bag.offsets[r + 1];
    float* sum = y.row(r);
    if (first == last) {
      std::memset(sum, 0, row_bytes);
      continue;
    }
    std::memcpy(sum, table.row(bag.index[first]), row_bytes);
    for (uint32_t i = first + 1; i < last; ++i) add(table.row(bag.index[i]), sum, y.cols);
    if (const float scale = share(bag, last - first); scale != 1.0f) multiply(sum, scale, y.cols);
  }
}

void pool_backward(const BagView& bag, ConstMatrix dy, const Gradient& table) {
  check_shapes(bag, table.into, dy);
  if (!table.adds()) zero(table.into);
  for (size_t r = 0; r < dy.rows; ++r) {
    const uint32_t first = bag.offsets[r], last = bag.offsets[r + 1];
    const float scale = share(bag, last - first);
    for (uint32_t i = first; i < last; ++i)
      add_scaled(dy.row(r), scale, table.into.row(bag.index[i]), dy.cols);
  }
}

}  // namespace cairn::cpu
