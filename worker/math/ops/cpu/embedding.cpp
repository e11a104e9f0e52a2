#include <cstring>

#include "common/simd.h"
#include "worker/math/ops/cpu/bags.h"
#include "worker/math/ops/cpu/cpu.h"

namespace cairn::math::cpu {
namespace {

void check_shapes(const BagView& bag, ConstMatrix table, ConstMatrix y) {
  check(table.cols == y.cols, "pool: table and output differ in dim");
  check(bag.pooling != Pooling::kAttention, "pool: attention is no pooling without scores");
  check_bag(bag, table.rows, y.rows);
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

CAIRN_SIMD void raise(const float* __restrict x, float* __restrict y, size_t dim) {
  for (size_t i = 0; i < dim; ++i) y[i] = x[i] > y[i] ? x[i] : y[i];
}

CAIRN_SIMD void multiply(float* y, float scale, size_t dim) {
  for (size_t i = 0; i < dim; ++i) y[i] *= scale;
}

// `largest` is the maximum of the rows of `index`.
void spread_to_largest(std::span<const uint32_t> index, ConstMatrix table, const float* largest,
                       const float* dy, Matrix dtable) {
  for (size_t d = 0; d < table.cols; ++d) {
    for (const uint32_t id : index) {
      if (table.row(id)[d] != largest[d]) continue;
      dtable.row(id)[d] += dy[d];
      break;
    }
  }
}

void forward(const BagView& bag, ConstMatrix table, Matrix y) {
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
    for (uint32_t i = first + 1; i < last; ++i) {
      if (bag.pooling == Pooling::kMax) {
        raise(table.row(bag.index[i]), sum, y.cols);
      } else {
        add(table.row(bag.index[i]), sum, y.cols);
      }
    }
    if (const float scale = share(bag, last - first); scale != 1.0f) multiply(sum, scale, y.cols);
  }
}

void backward(const BagView& bag, ConstMatrix table, ConstMatrix y, ConstMatrix dy,
              const Gradient& dtable) {
  check_shapes(bag, dtable.into, dy);
  if (!dtable.adds()) zero(dtable.into);
  for (size_t r = 0; r < dy.rows; ++r) {
    const uint32_t first = bag.offsets[r], last = bag.offsets[r + 1];
    if (bag.pooling == Pooling::kMax) {
      spread_to_largest(bag.index.subspan(first, last - first), table, y.row(r), dy.row(r),
                        dtable.into);
      continue;
    }
    const float scale = share(bag, last - first);
    for (uint32_t i = first; i < last; ++i)
      add_scaled(dy.row(r), scale, dtable.into.row(bag.index[i]), dy.cols);
  }
}

}  // namespace

void pool_forward(std::span<const PooledBag> bags, Matrix y) {
  for (const PooledBag& b : bags) forward(b.bag, b.table, y.columns(b.column, b.table.cols));
}

void pool_backward(std::span<const PooledBag> bags, ConstMatrix y, ConstMatrix dy,
                   std::span<const Gradient> dtables) {
  check(dtables.size() == bags.size(), "pool: not one gradient per bag");
  for (size_t i = 0; i < bags.size(); ++i) {
    const PooledBag& b = bags[i];
    if (!dtables[i].wanted()) continue;
    backward(b.bag, b.table, y.columns(b.column, b.table.cols), dy.columns(b.column, b.table.cols),
             dtables[i]);
  }
}

}  // namespace cairn::math::cpu
