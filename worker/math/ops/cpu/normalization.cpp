#include "worker/math/ops/normalization.h"

#include <cmath>

#include "common/simd.h"
#include "worker/math/ops/cpu/accumulate.h"
#include "worker/math/ops/cpu/dot.h"

namespace cairn::math::cpu {
namespace {

CAIRN_SIMD void layer_norm_row(const float* __restrict x, const float* __restrict scale,
                               const float* __restrict shift, float* __restrict y,
                               float* __restrict moments, size_t count) {
  double sum = 0.0, squares = 0.0;
  for (size_t i = 0; i < count; ++i) sum += x[i];
  const auto mean = static_cast<float>(sum / static_cast<double>(count));
  for (size_t i = 0; i < count; ++i) squares += double{x[i] - mean} * double{x[i] - mean};
  const auto inverse = static_cast<float>(
      1.0 / std::sqrt(squares / static_cast<double>(count) + double{kNormalizationEpsilon}));
  for (size_t i = 0; i < count; ++i) y[i] = (x[i] - mean) * inverse * scale[i] + shift[i];
  moments[0] = mean;
  moments[1] = inverse;
}

// dscale and dshift may be null.
CAIRN_SIMD void layer_norm_parameters(const float* __restrict x, const float* __restrict dy,
                                      const float* moments, float* __restrict dscale,
                                      float* __restrict dshift, size_t count) {
  const float mean = moments[0], inverse = moments[1];
  if (dscale != nullptr)
    for (size_t i = 0; i < count; ++i) dscale[i] += dy[i] * (x[i] - mean) * inverse;
  if (dshift != nullptr)
    for (size_t i = 0; i < count; ++i) dshift[i] += dy[i];
}

// With g = dy scale and n = (x - m) inverse: dx += inverse (g - mean(g) - n mean(g n)).
CAIRN_SIMD void layer_norm_input(const float* __restrict x, const float* __restrict dy,
                                 const float* __restrict scale, const float* moments,
                                 float* __restrict dx, size_t count) {
  const float mean = moments[0], inverse = moments[1];
  double sum = 0.0, product = 0.0;
  for (size_t i = 0; i < count; ++i) {
    const float g = dy[i] * scale[i];
    sum += g;
    product += double{g} * double{(x[i] - mean) * inverse};
  }
  const auto mean_g = static_cast<float>(sum / static_cast<double>(count));
  const auto mean_gn = static_cast<float>(product / static_cast<double>(count));
  for (size_t i = 0; i < count; ++i)
    dx[i] += inverse * (dy[i] * scale[i] - mean_g - (x[i] - mean) * inverse * mean_gn);
}

CAIRN_SIMD void add_to(const float* __restrict x, float* __restrict sums, size_t count) {
  for (size_t i = 0; i < count; ++i) sums[i] += x[i];
}

CAIRN_SIMD void add_squares(const float* __restrict x, const float* __restrict mean,
                            float* __restrict sums, size_t count) {
  for (size_t i = 0; i < count; ++i) sums[i] += (x[i] - mean[i]) * (x[i] - mean[i]);
}

CAIRN_SIMD void normalize_row(const float* __restrict x, const float* __restrict mean,
                              const float* __restrict inverse, const float* __restrict scale,
                              const float* __restrict shift, float* __restrict y, size_t count) {
  for (size_t i = 0; i < count; ++i) y[i] = (x[i] - mean[i]) * inverse[i] * scale[i] + shift[i];
}

CAIRN_SIMD void add_normalized(const float* __restrict x, const float* __restrict mean,
                               const float* __restrict inverse, const float* __restrict dy,
                               float* __restrict sums, size_t count) {
  for (size_t i = 0; i < count; ++i) sums[i] += dy[i] * (x[i] - mean[i]) * inverse[i];
}

CAIRN_SIMD void normalize_backward_row(const float* __restrict x, const float* __restrict mean,
                                       const float* __restrict inverse,
                                       const float* __restrict scale, const float* __restrict dy,
                                       const float* __restrict sums,
                                       const float* __restrict products, float share,
                                       float* __restrict dx, size_t count) {
  for (size_t i = 0; i < count; ++i)
    dx[i] += scale[i] * inverse[i] *
             (dy[i] - share * sums[i] - (x[i] - mean[i]) * inverse[i] * share * products[i]);
}

}  // namespace

void layer_norm_forward(const LayerNormInputs& in, Matrix moments, Matrix y) {
  check(is(in.x, y.rows, y.cols) && is(in.scale, 1, y.cols) && is(in.shift, 1, y.cols) &&
            is(moments, y.rows, 2),
        "layer norm: shapes differ");
  for (size_t r = 0; r < y.rows; ++r)
    layer_norm_row(in.x.row(r), in.scale.data, in.shift.data, y.row(r), moments.row(r), y.cols);
}

void layer_norm_backward(const LayerNormInputs& in, ConstMatrix moments, ConstMatrix dy,
                         const LayerNormGradients& out) {
  for (const Gradient* gradient : {&out.x, &out.scale, &out.shift}) begin(*gradient);
  for (size_t r = 0; r < dy.rows; ++r) {
    layer_norm_parameters(in.x.row(r), dy.row(r), moments.row(r), row_of(out.scale, 0),
                          row_of(out.shift, 0), dy.cols);
    if (float* dx = row_of(out.x, r))
      layer_norm_input(in.x.row(r), dy.row(r), in.scale.data, moments.row(r), dx, dy.cols);
  }
}

void invert_deviation(ConstMatrix variance, Matrix inverse) {
  check(is(variance, 1, inverse.cols) && inverse.rows == 1, "invert deviation: shapes differ");
  for (size_t i = 0; i < inverse.cols; ++i)
    inverse.data[i] = 1.0f / std::sqrt(variance.data[i] + kNormalizationEpsilon);
}

void move_towards(ConstMatrix seen, float factor, Matrix running) {
  check(is(seen, 1, running.cols) && running.rows == 1, "move towards: shapes differ");
  for (size_t i = 0; i < running.cols; ++i)
    running.data[i] += kStatisticsMomentum * (factor * seen.data[i] - running.data[i]);
}

void column_sums(ConstMatrix x, Matrix sums) {
  check(is(sums, 1, x.cols), "column sums: shapes differ");
  zero(sums);
  for (size_t r = 0; r < x.rows; ++r) add_to(x.row(r), sums.data, x.cols);
}

void column_squares(ConstMatrix x, ConstMatrix mean, Matrix sums) {
  check(is(mean, 1, x.cols) && is(sums, 1, x.cols), "column squares: shapes differ");
  zero(sums);
  for (size_t r = 0; r < x.rows; ++r) add_squares(x.row(r), mean.data, sums.data, x.cols);
}

void normalize(const NormalizeInputs& in, Matrix y) {
  check(is(in.x, y.rows, y.cols), "normalize: shapes differ");
  for (const ConstMatrix* m : {&in.mean, &in.inverse, &in.scale, &in.shift})
    check(is(*m, 1, y.cols), "normalize: shapes differ");
  for (size_t r = 0; r < y.rows; ++r)
    normalize_row(in.x.row(r), in.mean.data, in.inverse.data, in.scale.data, in.shift.data,
                  y.row(r), y.cols);
}

void normalize_sums(const NormalizeInputs& in, ConstMatrix dy, Matrix sums) {
  check(is(dy, in.x.rows, in.x.cols) && is(sums, 2, dy.cols), "normalize: shapes differ");
  zero(sums);
  for (size_t r = 0; r < dy.rows; ++r) {
    add_to(dy.row(r), sums.row(0), dy.cols);
    add_normalized(in.x.row(r), in.mean.data, in.inverse.data, dy.row(r), sums.row(1), dy.cols);
  }
}

void normalize_backward(const NormalizeInputs& in, ConstMatrix dy, ConstMatrix sums, float rows,
                        const Gradient& dx) {
  if (!dx.wanted()) return;
  begin(dx);
  for (size_t r = 0; r < dy.rows; ++r)
    normalize_backward_row(in.x.row(r), in.mean.data, in.inverse.data, in.scale.data, dy.row(r),
                           sums.row(0), sums.row(1), 1.0f / rows, dx.into.row(r), dy.cols);
}

}  // namespace cairn::math::cpu
