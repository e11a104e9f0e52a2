// One thread per column makes the row of a bag, id by id. The parts of all bags for one row of the
// table are summed by row: no two threads add to one number.
#include <algorithm>
#include <cmath>

#include "worker/math/ops/attention.h"
#include "worker/math/ops/cuda/cuda_kernels.h"
#include "worker/math/ops/cuda/segments.h"
#include "worker/math/ops/cuda/view.h"

namespace cairn::math::CAIRN_KERNELS {
namespace {

// dtable_k = the sum of term(occurrence, d) over the occurrences of row k; zero where there is
// none.
template <typename Term>
void sum_into_table(const BagView& bag, const Gradient& dtable, Term term) {
  const size_t batch = bag.offsets.size() - 1, rows = dtable.into.rows, dim = dtable.into.cols;
  if (rows == 0) return;
  const BagOfRows bags[] = {{bag, 0}};
  const SortedIds ids = sort_ids(bags, batch, rows, dim);
  const Target to(dtable);
  sum_by_row(ids, dim, term,
             [=] CAIRN_BODY(size_t k, size_t d, float sum) { to.leave(k, d, sum); });
}

void check_bag(const BagView& bag, size_t rows) {
  check(bag.offsets.size() == rows + 1, "pool: offsets are not rows + 1");
}

void check_shapes(const AttentionInputs& in, ConstMatrix y) {
  check(in.target.cols == in.table.cols && y.cols == 4 * in.table.cols &&
            y.rows >= in.bag.index.size(),
        "attention inputs: shapes differ");
  check_bag(in.bag, in.target.rows);
}

void check_scores(const BagView& bag, ConstMatrix scores) {
  check(scores.cols == 1 && scores.row_stride == 1 && scores.rows >= bag.index.size(),
        "attention: scores are no column of all ids");
}

void check_shapes(const WeightedPoolInputs& in, ConstMatrix y) {
  check(in.table.cols == y.cols, "weighted pool: table and output differ in dim");
  check_scores(in.bag, in.scores);
  check_bag(in.bag, y.rows);
}

// dk = dy_0 + dy_2 + dy_3 * t
void compare_backward_key(const AttentionInputs& in, ConstMatrix dy, const Gradient& out) {
  const ConstView target = view(in.target), g = view(dy);
  const size_t dim = in.table.cols;
  sum_into_table(in.bag, out, [=] CAIRN_BODY(const Occurrence& at, size_t d) {
    return g.at(at.id, d) + g.at(at.id, 2 * dim + d) +
           g.at(at.id, 3 * dim + d) * target.at(at.row, d);
  });
}

// dt = the sum over the bag's ids of dy_1 - dy_2 + dy_3 * k
void compare_backward_target(const AttentionInputs& in, ConstMatrix dy, const Gradient& out) {
  const Bags bags(in.bag);
  const ConstView table = view(in.table), g = view(dy);
  const size_t dim = in.table.cols;
  const Target to(out);
  for_each_element(bags.count, dim, [=] CAIRN_BODY(size_t r, size_t d) {
    const size_t first = bags.offsets[r], last = bags.offsets[r + 1];
    float sum = 0.0f;
    CAIRN_UNROLL
    for (size_t i = first; i < last; ++i)
      sum += g.at(i, dim + d) - g.at(i, 2 * dim + d) +
             g.at(i, 3 * dim + d) * table.at(bags.index[i], d);
    to.leave(r, d, sum);
  });
}

// dscore_i = <dy, k>
void score_gradients(const WeightedPoolInputs& in, ConstMatrix dy, const Gradient& out) {
  const Bags bags(in.bag);
  const ConstView table = view(in.table), g = view(dy);
  const Target to(out);
  reduce_rows<1>(
      out.into.rows, dy.cols,
      [=] CAIRN_BODY(size_t i, size_t d, double* sums) {
        if (i < bags.ids()) sums[0] += g.at(bags.bag_of(i), d) * table.at(bags.index[i], d);
      },
      [=] CAIRN_BODY(size_t i, const double* sums) {
        to.leave(i, 0, static_cast<float>(sums[0]));
      });
}

}  // namespace

// By row of y, so that long bags take no longer than short ones, and what stands behind the ids is
// written in the same launch. y = [k, t, k - t, k * t]
void attention_inputs_forward(const AttentionInputs& in, Matrix y) {
  check_shapes(in, y);
  const Bags bags(in.bag);
  const ConstView table = view(in.table), target = view(in.target);
  const View to = view(y);
  const size_t dim = in.table.cols;
  for_each_element(y.rows, dim, [=] CAIRN_BODY(size_t i, size_t d) {
    const bool real = i < bags.ids();
    const float k = real ? table.at(bags.index[i], d) : 0.0f;
    const float t = real ? target.at(bags.bag_of(i), d) : 0.0f;
    to.at(i, d) = k;
    to.at(i, dim + d) = t;
    to.at(i, 2 * dim + d) = k - t;
    to.at(i, 3 * dim + d) = k * t;
  });
}

void attention_inputs_backward(const AttentionInputs& in, ConstMatrix dy,
                               const AttentionGradients& out) {
  check_shapes(in, dy);
  if (out.table.wanted()) compare_backward_key(in, dy, out.table);
  if (out.target.wanted()) compare_backward_target(in, dy, out.target);
}

// One index is both a bag and a row of y: what stands behind the ids is written beside.
void bag_softmax_forward(const BagView& bag, ConstMatrix scores, Matrix y) {
  check_scores(bag, scores);
  check_scores(bag, y);
  const Bags bags(bag);
  const float* x = scores.data;
  float* p = y.data;
  const size_t rows = y.rows;
  for_each(std::max(bags.count, rows), [=] CAIRN_BODY(size_t r) {
    if (r >= bags.ids() && r < rows) p[r] = 0.0f;
    if (r >= bags.count) return;
    const size_t first = bags.offsets[r], last = bags.offsets[r + 1];
    if (first == last) return;
    // Less the maximum, so that no exponential overflows.
    float highest = x[first], sum = 0.0f;
    for (size_t i = first + 1; i < last; ++i) highest = x[i] > highest ? x[i] : highest;
    for (size_t i = first; i < last; ++i) sum += p[i] = std::exp(x[i] - highest);
    for (size_t i = first; i < last; ++i) p[i] /= sum;
  });
}

// dscore_i = p_i (dp_i - the bag's sum of p dp)
void bag_softmax_backward(const BagView& bag, ConstMatrix y, ConstMatrix dy,
                          const Gradient& dscores) {
  if (!dscores.wanted()) return;
  check_scores(bag, y);
  check_scores(bag, dy);
  const Bags bags(bag);
  const float *p = y.data, *dp = dy.data;
  const Target to(dscores);
  const size_t rows = dscores.into.rows;
  for_each(std::max(bags.count, rows), [=] CAIRN_BODY(size_t r) {
    if (r >= bags.ids() && r < rows) to.leave(r, 0, 0.0f);
    if (r >= bags.count) return;
    const size_t first = bags.offsets[r], last = bags.offsets[r + 1];
    float mean = 0.0f;
    for (size_t i = first; i < last; ++i) mean += p[i] * dp[i];
    for (size_t i = first; i < last; ++i) to.leave(i, 0, p[i] * (dp[i] - mean));
  });
}

void weighted_pool_forward(const WeightedPoolInputs& in, Matrix y) {
  check_shapes(in, y);
  const Bags bags(in.bag);
  const ConstView table = view(in.table);
  const float* scores = in.scores.data;
  const View to = view(y);
  for_each_element(y.rows, y.cols, [=] CAIRN_BODY(size_t r, size_t d) {
    const size_t first = bags.offsets[r], last = bags.offsets[r + 1];
    float sum = 0.0f;
    CAIRN_UNROLL
    for (size_t i = first; i < last; ++i) sum += scores[i] * table.at(bags.index[i], d);
    to.at(r, d) = sum;
  });
}

void weighted_pool_backward(const WeightedPoolInputs& in, ConstMatrix dy,
                            const WeightedPoolGradients& out) {
  check_shapes(in, dy);
  if (out.scores.wanted()) score_gradients(in, dy, out.scores);
  if (!out.table.wanted()) return;
  const ConstView g = view(dy);
  const float* scores = in.scores.data;
  sum_into_table(in.bag, out.table, [=] CAIRN_BODY(const Occurrence& at, size_t d) {
    return scores[at.id] * g.at(at.row, d);
  });
}

}  // namespace cairn::math::CAIRN_KERNELS
