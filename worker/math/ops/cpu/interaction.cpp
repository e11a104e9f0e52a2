#include "worker/math/ops/interaction.h"

#include "common/simd.h"
#include "worker/math/ops/cpu/accumulate.h"
#include "worker/math/ops/cpu/dot.h"

namespace cairn::math::cpu {
namespace {

CAIRN_SIMD void combine_row(const float* __restrict x0, const float* __restrict mixed,
                            const float* __restrict x, float* __restrict y, size_t count) {
  for (size_t i = 0; i < count; ++i) y[i] = x0[i] * mixed[i] + x[i];
}

CAIRN_SIMD void add_product(const float* __restrict a, const float* __restrict b,
                            float* __restrict sum, size_t count) {
  for (size_t i = 0; i < count; ++i) sum[i] += a[i] * b[i];
}

CAIRN_SIMD void add_scaled(const float* __restrict a, float scale, float* __restrict sum,
                           size_t count) {
  for (size_t i = 0; i < count; ++i) sum[i] += scale * a[i];
}

CAIRN_SIMD void vector_cross_row(const float* x0, const float* x, const float* weight,
                                 const float* bias, float* __restrict y, size_t count) {
  const float s = dot(x, weight, count);
  for (size_t i = 0; i < count; ++i) y[i] = x0[i] * s + bias[i] + x[i];
}

CAIRN_SIMD float dot_row(const float* a, const float* b, size_t count) { return dot(a, b, count); }

// y = (sum^2 - squares) / 2, where `sum` is left for the caller.
CAIRN_SIMD void pairs_row(const float* __restrict x, size_t fields, float* __restrict sum,
                          float* __restrict y, size_t dim) {
  for (size_t i = 0; i < dim; ++i) sum[i] = y[i] = 0.0f;
  for (size_t f = 0; f < fields; ++f) {
    for (size_t i = 0; i < dim; ++i) {
      // Adding each field's product with those before it cancels nothing, unlike the difference.
      y[i] += sum[i] * x[f * dim + i];
      sum[i] += x[f * dim + i];
    }
  }
}

// dv_f += dy * (sum - v_f)
CAIRN_SIMD void pairs_backward_row(const float* __restrict x, size_t fields,
                                   const float* __restrict sum, const float* __restrict dy,
                                   float* __restrict dx, size_t dim) {
  for (size_t f = 0; f < fields; ++f)
    for (size_t i = 0; i < dim; ++i) dx[f * dim + i] += dy[i] * (sum[i] - x[f * dim + i]);
}

CAIRN_SIMD void dots_row(const float* x, size_t fields, float* y, size_t dim) {
  for (size_t f = 1; f < fields; ++f)
    for (size_t g = 0; g < f; ++g) *y++ = dot(x + f * dim, x + g * dim, dim);
}

CAIRN_SIMD void dots_backward_row(const float* __restrict x, size_t fields,
                                  const float* __restrict dy, float* __restrict dx, size_t dim) {
  for (size_t f = 1; f < fields; ++f) {
    for (size_t g = 0; g < f; ++g, ++dy) {
      for (size_t i = 0; i < dim; ++i) dx[f * dim + i] += *dy * x[g * dim + i];
      for (size_t i = 0; i < dim; ++i) dx[g * dim + i] += *dy * x[f * dim + i];
    }
  }
}

size_t fields_of(ConstMatrix x, size_t dim) {
  check(dim > 0 && x.cols % dim == 0, "interaction: columns are not whole fields");
  return x.cols / dim;
}

}  // namespace

void combine_forward(const CombineInputs& in, Matrix y) {
  check(is(in.x0, y.rows, y.cols) && is(in.mixed, y.rows, y.cols) && is(in.x, y.rows, y.cols),
        "combine: shapes differ");
  for (size_t r = 0; r < y.rows; ++r)
    combine_row(in.x0.row(r), in.mixed.row(r), in.x.row(r), y.row(r), y.cols);
}

void combine_backward(const CombineInputs& in, ConstMatrix dy, const CombineGradients& out) {
  begin(out.x0);
  begin(out.mixed);
  begin(out.x);
  for (size_t r = 0; r < dy.rows; ++r) {
    if (float* dx0 = row_of(out.x0, r)) add_product(dy.row(r), in.mixed.row(r), dx0, dy.cols);
    if (float* dmixed = row_of(out.mixed, r)) add_product(dy.row(r), in.x0.row(r), dmixed, dy.cols);
    if (float* dx = row_of(out.x, r)) add_scaled(dy.row(r), 1.0f, dx, dy.cols);
  }
}

void vector_cross_forward(const VectorCrossInputs& in, Matrix y) {
  check(is(in.x0, y.rows, y.cols) && is(in.x, y.rows, y.cols) && is(in.weight, 1, y.cols) &&
            is(in.bias, 1, y.cols),
        "vector cross: shapes differ");
  for (size_t r = 0; r < y.rows; ++r)
    vector_cross_row(in.x0.row(r), in.x.row(r), in.weight.data, in.bias.data, y.row(r), y.cols);
}

void vector_cross_backward(const VectorCrossInputs& in, ConstMatrix dy,
                           const VectorCrossGradients& out) {
  for (const Gradient* gradient : {&out.x0, &out.x, &out.weight, &out.bias}) begin(*gradient);
  for (size_t r = 0; r < dy.rows; ++r) {
    const float* g = dy.row(r);
    const float ds = dot_row(g, in.x0.row(r), dy.cols);
    if (float* dx0 = row_of(out.x0, r))
      add_scaled(g, dot_row(in.x.row(r), in.weight.data, dy.cols), dx0, dy.cols);
    if (float* dx = row_of(out.x, r)) {
      add_scaled(g, 1.0f, dx, dy.cols);
      add_scaled(in.weight.data, ds, dx, dy.cols);
    }
    if (float* dweight = row_of(out.weight, 0)) add_scaled(in.x.row(r), ds, dweight, dy.cols);
    if (float* dbias = row_of(out.bias, 0)) add_scaled(g, 1.0f, dbias, dy.cols);
  }
}

void pairs_forward(ConstMatrix x, Matrix sums, Matrix y) {
  const size_t fields = fields_of(x, y.cols);
  check(x.rows == y.rows && is(sums, y.rows, y.cols), "pairs: shapes differ");
  for (size_t r = 0; r < y.rows; ++r) pairs_row(x.row(r), fields, sums.row(r), y.row(r), y.cols);
}

void pairs_backward(ConstMatrix x, ConstMatrix sums, ConstMatrix dy, const Gradient& dx) {
  const size_t fields = fields_of(x, dy.cols);
  if (!dx.wanted()) return;
  begin(dx);
  for (size_t r = 0; r < dy.rows; ++r)
    pairs_backward_row(x.row(r), fields, sums.row(r), dy.row(r), dx.into.row(r), dy.cols);
}

void dots_forward(ConstMatrix x, size_t dim, Matrix y) {
  const size_t fields = fields_of(x, dim);
  check(is(y, x.rows, fields * (fields - 1) / 2), "dots: shapes differ");
  for (size_t r = 0; r < y.rows; ++r) dots_row(x.row(r), fields, y.row(r), dim);
}

void dots_backward(ConstMatrix x, size_t dim, ConstMatrix dy, const Gradient& dx) {
  const size_t fields = fields_of(x, dim);
  if (!dx.wanted()) return;
  begin(dx);
  for (size_t r = 0; r < dy.rows; ++r)
    dots_backward_row(x.row(r), fields, dy.row(r), dx.into.row(r), dim);
}

void number_fields_forward(ConstMatrix x, ConstMatrix vectors, Matrix y) {
  check(x.cols == vectors.rows && is(y, x.rows, x.cols * vectors.cols),
        "number fields: shapes differ");
  const size_t dim = vectors.cols;
  zero(y);
  for (size_t r = 0; r < y.rows; ++r)
    for (size_t i = 0; i < x.cols; ++i)
      add_scaled(vectors.row(i), x.row(r)[i], y.row(r) + i * dim, dim);
}

void number_fields_backward(ConstMatrix x, ConstMatrix dy, const Gradient& vectors) {
  if (!vectors.wanted()) return;
  const size_t dim = vectors.into.cols;
  check(dy.cols == x.cols * dim, "number fields: shapes differ");
  begin(vectors);
  for (size_t r = 0; r < dy.rows; ++r)
    for (size_t i = 0; i < x.cols; ++i)
      add_scaled(dy.row(r) + i * dim, x.row(r)[i], vectors.into.row(i), dim);
}

void sum_groups_forward(ConstMatrix x, Matrix y) {
  const size_t groups = fields_of(x, y.cols);
  check(x.rows == y.rows, "sum groups: shapes differ");
  zero(y);
  for (size_t r = 0; r < y.rows; ++r)
    for (size_t g = 0; g < groups; ++g) add_scaled(x.row(r) + g * y.cols, 1.0f, y.row(r), y.cols);
}

void sum_groups_backward(ConstMatrix dy, const Gradient& dx) {
  if (!dx.wanted()) return;
  const size_t groups = fields_of(dx.into, dy.cols);
  begin(dx);
  for (size_t r = 0; r < dy.rows; ++r)
    for (size_t g = 0; g < groups; ++g)
      add_scaled(dy.row(r), 1.0f, dx.into.row(r) + g * dy.cols, dy.cols);
}

}  // namespace cairn::math::cpu
