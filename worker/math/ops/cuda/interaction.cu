// Bodies that go over a row's fields take one column of each, so that neighbours read neighbours.
#include "worker/math/ops/cuda/cuda_kernels.h"
#include "worker/math/ops/cuda/view.h"
#include "worker/math/ops/interaction.h"

namespace cairn::math::CAIRN_KERNELS {
namespace {

constexpr size_t kTile = 4;  // fields by fields whose products one thread makes

size_t fields_of(ConstMatrix x, size_t dim) {
  check(dim > 0 && x.cols % dim == 0, "interaction: columns are not whole fields");
  return x.cols / dim;
}

// The place of fields g < f among the pairs.
CAIRN_INLINE size_t pair_of(size_t f, size_t g) { return f * (f - 1) / 2 + g; }

}  // namespace

void combine_forward(const CombineInputs& in, Matrix y) {
  check(is(in.x0, y.rows, y.cols) && is(in.mixed, y.rows, y.cols) && is(in.x, y.rows, y.cols),
        "combine: shapes differ");
  const ConstView x0 = view(in.x0), mixed = view(in.mixed), x = view(in.x);
  const View to = view(y);
  for_each_element(y.rows, y.cols, [=] CAIRN_BODY(size_t r, size_t c) {
    to.at(r, c) = x0.at(r, c) * mixed.at(r, c) + x.at(r, c);
  });
}

void combine_backward(const CombineInputs& in, ConstMatrix dy, const CombineGradients& out) {
  const ConstView x0 = view(in.x0), mixed = view(in.mixed), from = view(dy);
  const Target dx0(out.x0), dmixed(out.mixed), dx(out.x);
  // In this order, as two of them may be one matrix.
  for_each_element(dy.rows, dy.cols, [=] CAIRN_BODY(size_t r, size_t c) {
    const float g = from.at(r, c);
    if (dx0.wanted()) dx0.leave(r, c, g * mixed.at(r, c));
    if (dmixed.wanted()) dmixed.leave(r, c, g * x0.at(r, c));
    dx.leave(r, c, g);
  });
}

void vector_cross_forward(const VectorCrossInputs& in, Matrix y) {
  check(is(in.x0, y.rows, y.cols) && is(in.x, y.rows, y.cols) && is(in.weight, 1, y.cols) &&
            is(in.bias, 1, y.cols),
        "vector cross: shapes differ");
  const ConstView x0 = view(in.x0), x = view(in.x);
  const View to = view(y);
  const float *weight = in.weight.data, *bias = in.bias.data;
  map_rows<1>(
      y.rows, y.cols,
      [=] CAIRN_BODY(size_t r, size_t c, double* sums) { sums[0] += x.at(r, c) * weight[c]; },
      [=] CAIRN_BODY(size_t, const double*) {},
      [=] CAIRN_BODY(size_t r, size_t c, const double* sums) {
        to.at(r, c) = x0.at(r, c) * static_cast<float>(sums[0]) + bias[c] + x.at(r, c);
      });
}

// With s = x . weight and ds = dy . x0: dx0 = dy s; dx = dy + weight ds; dweight = ds x and
// dbias = dy, summed over the batch.
void vector_cross_backward(const VectorCrossInputs& in, ConstMatrix dy,
                           const VectorCrossGradients& out) {
  const ConstView x0 = view(in.x0), x = view(in.x), from = view(dy);
  const float* weight = in.weight.data;
  const Target dx0(out.x0), dx(out.x), dweight(out.weight), dbias(out.bias);
  auto* ds =
      static_cast<float*>(scratch_beside_columns<2>(dy.rows, dy.cols, dy.rows * sizeof(float)));
  map_rows<2>(
      dy.rows, dy.cols,
      [=] CAIRN_BODY(size_t r, size_t c, double* sums) {
        sums[0] += x.at(r, c) * weight[c];
        sums[1] += from.at(r, c) * x0.at(r, c);
      },
      [=] CAIRN_BODY(size_t, const double*) {},
      [=] CAIRN_BODY(size_t r, size_t c, const double* sums) {
        const float g = from.at(r, c), of_row = static_cast<float>(sums[1]);
        dx0.leave(r, c, g * static_cast<float>(sums[0]));
        dx.leave(r, c, g + weight[c] * of_row);
        if (c == 0) ds[r] = of_row;
      });
  if (!dweight.wanted() && !dbias.wanted()) return;
  reduce_columns<2>(
      dy.rows, dy.cols,
      [=] CAIRN_BODY(size_t r, size_t c, float* sums) {
        sums[0] += ds[r] * x.at(r, c);
        sums[1] += from.at(r, c);
      },
      [=] CAIRN_BODY(size_t c, const float* sums) {
        dweight.leave(0, c, sums[0]);
        dbias.leave(0, c, sums[1]);
      });
}

void pairs_forward(ConstMatrix x, Matrix sums, Matrix y) {
  const size_t fields = fields_of(x, y.cols), dim = y.cols;
  check(x.rows == y.rows && is(sums, y.rows, y.cols), "pairs: shapes differ");
  const ConstView from = view(x);
  const View of_fields = view(sums), to = view(y);
  for_each_element(y.rows, dim, [=] CAIRN_BODY(size_t r, size_t i) {
    float sum = 0.0f, products = 0.0f;
    for (size_t f = 0; f < fields; ++f) {
      const float v = from.at(r, f * dim + i);
      // Adding each field's product with those before it cancels nothing, unlike the difference.
      products += sum * v;
      sum += v;
    }
    of_fields.at(r, i) = sum;
    to.at(r, i) = products;
  });
}

// dv_f = dy * (sum - v_f)
void pairs_backward(ConstMatrix x, ConstMatrix sums, ConstMatrix dy, const Gradient& dx) {
  const size_t fields = fields_of(x, dy.cols), dim = dy.cols;
  if (!dx.wanted()) return;
  const ConstView v = view(x), of_fields = view(sums), from = view(dy);
  const Target to(dx);
  for_each_element(dy.rows, dim, [=] CAIRN_BODY(size_t r, size_t i) {
    const float g = from.at(r, i), sum = of_fields.at(r, i);
    for (size_t f = 0; f < fields; ++f) to.leave(r, f * dim + i, g * (sum - v.at(r, f * dim + i)));
  });
}

// A number that is read is multiplied kTile times: reading, not multiplying, is what takes time.
void dots_forward(ConstMatrix x, size_t dim, Matrix y) {
  const size_t fields = fields_of(x, dim);
  check(is(y, x.rows, fields * (fields - 1) / 2), "dots: shapes differ");
  const ConstView v = view(x);
  const View to = view(y);
  const size_t tiles = (fields + kTile - 1) / kTile;
  for_each_element(y.rows, tiles * (tiles + 1) / 2, [=] CAIRN_BODY(size_t r, size_t tile) {
    size_t down = 0;
    while ((down + 1) * (down + 2) / 2 <= tile) ++down;
    const size_t first_f = down * kTile, first_g = (tile - down * (down + 1) / 2) * kTile;
    size_t at_f[kTile], at_g[kTile];
    for (size_t i = 0; i < kTile; ++i) {  // beyond the last field is the last again
      at_f[i] = (first_f + i < fields ? first_f + i : fields - 1) * dim;
      at_g[i] = (first_g + i < fields ? first_g + i : fields - 1) * dim;
    }
    float products[kTile][kTile] = {};
    for (size_t d = 0; d < dim; ++d) {
      float of_g[kTile];
      for (size_t j = 0; j < kTile; ++j) of_g[j] = v.at(r, at_g[j] + d);
      for (size_t i = 0; i < kTile; ++i) {
        const float of_f = v.at(r, at_f[i] + d);
        for (size_t j = 0; j < kTile; ++j) products[i][j] += of_f * of_g[j];
      }
    }
    for (size_t i = 0; i < kTile; ++i)
      for (size_t j = 0; j < kTile; ++j)
        if (first_f + i < fields && first_g + j < first_f + i)
          to.at(r, pair_of(first_f + i, first_g + j)) = products[i][j];
  });
}

// dv_f = sum over the other fields g of dy_fg v_g
void dots_backward(ConstMatrix x, size_t dim, ConstMatrix dy, const Gradient& dx) {
  const size_t fields = fields_of(x, dim);
  if (!dx.wanted()) return;
  const ConstView v = view(x), from = view(dy);
  const Target to(dx);
  for_each_element(dy.rows, fields * dim, [=] CAIRN_BODY(size_t r, size_t c) {
    const size_t f = c / dim, d = c % dim;
    float sum = 0.0f;
    for (size_t g = 0; g < f; ++g) sum += from.at(r, pair_of(f, g)) * v.at(r, g * dim + d);
    for (size_t g = f + 1; g < fields; ++g) sum += from.at(r, pair_of(g, f)) * v.at(r, g * dim + d);
    to.leave(r, c, sum);
  });
}

void number_fields_forward(ConstMatrix x, ConstMatrix vectors, Matrix y) {
  check(x.cols == vectors.rows && is(y, x.rows, x.cols * vectors.cols),
        "number fields: shapes differ");
  const ConstView numbers = view(x), v = view(vectors);
  const View to = view(y);
  const size_t count = x.cols, dim = vectors.cols;
  for_each_element(y.rows, dim, [=] CAIRN_BODY(size_t r, size_t d) {
    for (size_t i = 0; i < count; ++i) to.at(r, i * dim + d) = numbers.at(r, i) * v.at(i, d);
  });
}

void number_fields_backward(ConstMatrix x, ConstMatrix dy, const Gradient& vectors) {
  if (!vectors.wanted()) return;
  const size_t dim = vectors.into.cols;
  check(dy.cols == x.cols * dim, "number fields: shapes differ");
  const ConstView numbers = view(x), g = view(dy);
  const Target to(vectors);
  reduce_columns<1>(
      dy.rows, dy.cols,
      [=] CAIRN_BODY(size_t r, size_t c, float* sums) {
        sums[0] += numbers.at(r, c / dim) * g.at(r, c);
      },
      [=] CAIRN_BODY(size_t c, const float* sums) { to.leave(c / dim, c % dim, sums[0]); });
}

void sum_groups_forward(ConstMatrix x, Matrix y) {
  const size_t groups = fields_of(x, y.cols), cols = y.cols;
  check(x.rows == y.rows, "sum groups: shapes differ");
  const ConstView from = view(x);
  const View to = view(y);
  for_each_element(y.rows, cols, [=] CAIRN_BODY(size_t r, size_t c) {
    float sum = 0.0f;
    for (size_t g = 0; g < groups; ++g) sum += from.at(r, g * cols + c);
    to.at(r, c) = sum;
  });
}

void sum_groups_backward(ConstMatrix dy, const Gradient& dx) {
  if (!dx.wanted()) return;
  const size_t groups = fields_of(dx.into, dy.cols), cols = dy.cols;
  const ConstView from = view(dy);
  const Target to(dx);
  for_each_element(dy.rows, cols, [=] CAIRN_BODY(size_t r, size_t c) {
    const float value = from.at(r, c);
    for (size_t g = 0; g < groups; ++g) to.leave(r, g * cols + c, value);
  });
}

}  // namespace cairn::math::CAIRN_KERNELS
