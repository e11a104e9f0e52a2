#include "worker/math/ops/attention.h"

#include <algorithm>
#include <cmath>

#include "common/simd.h"
#include "worker/math/ops/cpu/accumulate.h"
#include "worker/math/ops/cpu/bags.h"
#include "worker/math/ops/cpu/cpu.h"
#include "worker/math/ops/cpu/dot.h"

namespace cairn::math::cpu {
namespace {

void check_shapes(const AttentionInputs& in, ConstMatrix y) {
  check(in.target.cols == in.table.cols && y.cols == 4 * in.table.cols &&
            y.rows >= in.bag.index.size(),
        "attention inputs: shapes differ");
  check_bag(in.bag, in.table.rows, in.target.rows);
}

void check_scores(const BagView& bag, ConstMatrix scores) {
  check(scores.cols == 1 && scores.row_stride == 1 && scores.rows >= bag.index.size(),
        "attention: scores are no column of all ids");
}

void check_shapes(const WeightedPoolInputs& in, ConstMatrix y) {
  check(in.table.cols == y.cols, "weighted pool: table and output differ in dim");
  check_scores(in.bag, in.scores);
  check_bag(in.bag, in.table.rows, y.rows);
}

// y = [k, t, k - t, k * t]
CAIRN_SIMD void compare(const float* __restrict k, const float* __restrict t, float* __restrict y,
                        size_t dim) {
  for (size_t i = 0; i < dim; ++i) {
    y[i] = k[i];
    y[dim + i] = t[i];
    y[2 * dim + i] = k[i] - t[i];
    y[3 * dim + i] = k[i] * t[i];
  }
}

// dk += dy_0 + dy_2 + dy_3 * t
CAIRN_SIMD void compare_backward_key(const float* __restrict dy, const float* __restrict t,
                                     float* __restrict dk, size_t dim) {
  for (size_t i = 0; i < dim; ++i) dk[i] += dy[i] + dy[2 * dim + i] + dy[3 * dim + i] * t[i];
}

// dt += dy_1 - dy_2 + dy_3 * k
CAIRN_SIMD void compare_backward_target(const float* __restrict dy, const float* __restrict k,
                                        float* __restrict dt, size_t dim) {
  for (size_t i = 0; i < dim; ++i) dt[i] += dy[dim + i] - dy[2 * dim + i] + dy[3 * dim + i] * k[i];
}

CAIRN_SIMD void add_scaled(const float* __restrict x, float scale, float* __restrict y,
                           size_t dim) {
  for (size_t i = 0; i < dim; ++i) y[i] += scale * x[i];
}

CAIRN_SIMD float inner(const float* a, const float* b, size_t dim) { return dot(a, b, dim); }

void zero_rows_from(size_t first, Matrix y) {
  if (first < y.rows) zero({y.row(first), y.rows - first, y.cols, y.row_stride});
}

}  // namespace

void attention_inputs_forward(const AttentionInputs& in, Matrix y) {
  check_shapes(in, y);
  for (size_t r = 0; r < in.target.rows; ++r)
    for (uint32_t i = in.bag.offsets[r]; i < in.bag.offsets[r + 1]; ++i)
      compare(in.table.row(in.bag.index[i]), in.target.row(r), y.row(i), in.table.cols);
  zero_rows_from(in.bag.index.size(), y);
}

void attention_inputs_backward(const AttentionInputs& in, ConstMatrix dy,
                               const AttentionGradients& out) {
  check_shapes(in, dy);
  begin(out.table);
  begin(out.target);
  for (size_t r = 0; r < in.target.rows; ++r) {
    for (uint32_t i = in.bag.offsets[r]; i < in.bag.offsets[r + 1]; ++i) {
      const uint32_t id = in.bag.index[i];
      if (float* dk = row_of(out.table, id))
        compare_backward_key(dy.row(i), in.target.row(r), dk, in.table.cols);
      if (float* dt = row_of(out.target, r))
        compare_backward_target(dy.row(i), in.table.row(id), dt, in.table.cols);
    }
  }
}

void bag_softmax_forward(const BagView& bag, ConstMatrix scores, Matrix y) {
  check_scores(bag, scores);
  check_scores(bag, y);
  for (size_t r = 0; r + 1 < bag.offsets.size(); ++r) {
    const uint32_t first = bag.offsets[r], last = bag.offsets[r + 1];
    if (first == last) continue;
    // Less the maximum, so that no exponential overflows.
    const float highest = *std::max_element(scores.data + first, scores.data + last);
    float sum = 0.0f;
    for (uint32_t i = first; i < last; ++i) sum += y.data[i] = std::exp(scores.data[i] - highest);
    for (uint32_t i = first; i < last; ++i) y.data[i] /= sum;
  }
  zero_rows_from(bag.index.size(), y);
}

void bag_softmax_backward(const BagView& bag, ConstMatrix y, ConstMatrix dy,
                          const Gradient& dscores) {
  if (!dscores.wanted()) return;
  check_scores(bag, y);
  check_scores(bag, dy);
  begin(dscores);
  for (size_t r = 0; r + 1 < bag.offsets.size(); ++r) {
    const uint32_t first = bag.offsets[r], last = bag.offsets[r + 1];
    float mean = 0.0f;
    for (uint32_t i = first; i < last; ++i) mean += y.data[i] * dy.data[i];
    for (uint32_t i = first; i < last; ++i) *dscores.into.row(i) += y.data[i] * (dy.data[i] - mean);
  }
}

void weighted_pool_forward(const WeightedPoolInputs& in, Matrix y) {
  check_shapes(in, y);
  zero(y);
  for (size_t r = 0; r < y.rows; ++r)
    for (uint32_t i = in.bag.offsets[r]; i < in.bag.offsets[r + 1]; ++i)
      add_scaled(in.table.row(in.bag.index[i]), in.scores.data[i], y.row(r), y.cols);
}

void weighted_pool_backward(const WeightedPoolInputs& in, ConstMatrix dy,
                            const WeightedPoolGradients& out) {
  check_shapes(in, dy);
  begin(out.table);
  begin(out.scores);
  for (size_t r = 0; r < dy.rows; ++r) {
    for (uint32_t i = in.bag.offsets[r]; i < in.bag.offsets[r + 1]; ++i) {
      const uint32_t id = in.bag.index[i];
      if (float* dk = row_of(out.table, id)) add_scaled(dy.row(r), in.scores.data[i], dk, dy.cols);
      if (float* dscore = row_of(out.scores, i))
        *dscore += inner(dy.row(r), in.table.row(id), dy.cols);
    }
  }
}

}  // namespace cairn::math::cpu
