#include "worker/math/ops/cuda/cuda_kernels.h"
#include "worker/math/ops/cuda/segments.h"
#include "worker/math/ops/cuda/view.h"

namespace cairn::math::CAIRN_KERNELS {
namespace {

struct PoolPlace {
  const uint32_t *offsets, *index;
  ConstView table;
  uint32_t column;
  uint32_t first_row;  // where its table's rows begin, among those of all bags here
  Pooling pooling;

  CAIRN_INLINE float share(size_t r) const {
    if (pooling != Pooling::kMean) return 1.0f;
    const uint32_t count = offsets[r + 1] - offsets[r];
    return count > 1 ? 1.0f / static_cast<float>(count) : 1.0f;
  }
};
struct PoolPlaces {
  PoolPlace bags[kBagsAtOnce];
};

// Where the gradient of one of several tables is left, whose rows stand one below the other.
struct TableTarget {
  uint32_t first_row;
  Target gradient;
};
struct TableTargets {
  TableTarget tables[kBagsAtOnce];
  uint32_t count;

  CAIRN_INLINE const TableTarget& of(size_t row) const {
    uint32_t t = count - 1;
    while (tables[t].first_row > row) --t;
    return tables[t];
  }
};

void check_bag(const PooledBag& b, ConstMatrix y) {
  check(b.bag.offsets.size() == y.rows + 1, "pool: offsets are not rows + 1");
  check(b.bag.pooling != Pooling::kAttention, "pool: attention is no pooling without scores");
  check(b.column + b.table.cols <= y.cols, "pool: a bag's columns are beyond the output");
}

PoolPlace place_of(const PooledBag& b, size_t first_row) {
  return {b.bag.offsets.data(),
          b.bag.index.data(),
          view(b.table),
          static_cast<uint32_t>(b.column),
          static_cast<uint32_t>(first_row),
          b.bag.pooling};
}

// How many bags from `first` on go into one launch: they are of one dim.
size_t run_of_one_dim(std::span<const PooledBag> bags, size_t first) {
  size_t last = first;
  while (last < bags.size() && last - first < kBagsAtOnce &&
         bags[last].table.cols == bags[first].table.cols)
    ++last;
  return last - first;
}

void forward(std::span<const PooledBag> bags, Matrix y) {
  PoolPlaces places = {};
  for (size_t b = 0; b < bags.size(); ++b) {
    check_bag(bags[b], y);
    places.bags[b] = place_of(bags[b], 0);
  }
  const View to = view(y);
  check(y.rows * bags.size() < UINT32_MAX, "pool: too many bags for one step");
  const auto count = static_cast<uint32_t>(bags.size());
  const size_t dim = bags[0].table.cols, quarter = quarter_of(dim);
  // Neighbours in a launch are neighbours in y.
  for_each_element(y.rows * count, quarter, [=] CAIRN_BODY(size_t i, size_t d) {
    const uint32_t r = static_cast<uint32_t>(i) / count;
    const PoolPlace& bag = places.bags[static_cast<uint32_t>(i) % count];
    const uint32_t first = bag.offsets[r], last = bag.offsets[r + 1];
    float sums[kColumnsAtOnce] = {};
    for (uint32_t id = first; id < last; ++id) {
      const float* row = &bag.table.at(bag.index[id], 0);
      for (size_t k = 0; k < kColumnsAtOnce; ++k) {
        const size_t c = d + k * quarter;
        if (c >= dim) break;
        const float value = row[c];
        const bool replaces = id == first || (bag.pooling == Pooling::kMax && value > sums[k]);
        if (replaces) {
          sums[k] = value;
        } else if (bag.pooling != Pooling::kMax) {
          sums[k] += value;
        }
      }
    }
    const float share = bag.share(r);
    for (size_t k = 0; k < kColumnsAtOnce; ++k)
      if (d + k * quarter < dim) to.at(r, bag.column + d + k * quarter) = sums[k] * share;
  });
}

void backward(std::span<const PooledBag> bags, ConstMatrix y, ConstMatrix dy,
              std::span<const Gradient> dtables) {
  const size_t dim = bags[0].table.cols;
  PoolPlaces places = {};
  TableTargets targets = {};
  BagOfRows of_rows[kBagsAtOnce];
  size_t rows = 0, count = 0;
  for (size_t b = 0; b < bags.size(); ++b) {
    if (!dtables[b].wanted()) continue;
    check_bag(bags[b], y);
    uint32_t t = 0;
    while (t < targets.count && targets.tables[t].gradient.data != dtables[b].into.data) ++t;
    if (t == targets.count) {
      targets.tables[targets.count++] = {static_cast<uint32_t>(rows), Target(dtables[b])};
      rows += bags[b].table.rows;
    }
    places.bags[count] = place_of(bags[b], targets.tables[t].first_row);
    of_rows[count++] = {bags[b].bag, targets.tables[t].first_row};
  }
  if (count == 0 || rows == 0) return;
  const SortedIds ids = sort_ids(std::span(of_rows).first(count), dy.rows, rows, dim);
  const ConstView result = view(y), from = view(dy);
  sum_by_row(
      ids, dim,
      [=] CAIRN_BODY(const Occurrence& at, size_t d) {
        const PoolPlace& bag = places.bags[at.bag];
        const float g = from.at(at.row, bag.column + d);
        if (bag.pooling != Pooling::kMax) return g * bag.share(at.row);
        // The first id that has the maximum has its gradient.
        const float largest = result.at(at.row, bag.column + d);
        for (uint32_t id = bag.offsets[at.row]; id < at.id; ++id)
          if (bag.table.at(bag.index[id], d) == largest) return 0.0f;
        return bag.table.at(bag.index[at.id], d) == largest ? g : 0.0f;
      },
      [=] CAIRN_BODY(size_t row, size_t d, float sum) {
        const TableTarget& table = targets.of(row);
        table.gradient.leave(row - table.first_row, d, sum);
      });
}

}  // namespace

void pool_forward(std::span<const PooledBag> bags, Matrix y) {
  for (size_t first = 0; first < bags.size();) {
    const size_t count = run_of_one_dim(bags, first);
    forward(bags.subspan(first, count), y);
    first += count;
  }
}

void pool_backward(std::span<const PooledBag> bags, ConstMatrix y, ConstMatrix dy,
                   std::span<const Gradient> dtables) {
  check(dtables.size() == bags.size(), "pool: not one gradient per bag");
  for (size_t first = 0; first < bags.size();) {
    const size_t count = run_of_one_dim(bags, first);
    backward(bags.subspan(first, count), y, dy, dtables.subspan(first, count));
    first += count;
  }
}

}  // namespace cairn::math::CAIRN_KERNELS
