#include <cmath>

#include "worker/math/ops/cuda/cuda_kernels.h"
#include "worker/math/ops/cuda/view.h"
#include "worker/math/ops/normalization.h"

namespace cairn::math::CAIRN_KERNELS {
namespace {

// Columns of moments [batch, 2].
constexpr size_t kMean = 0, kInverse = 1;

// With g = dy scale and n = (x - m) inverse: dx = inverse (g - mean(g) - n mean(g n)).
void layer_norm_input(const LayerNormInputs& in, ConstMatrix moments, ConstMatrix dy,
                      const Gradient& out) {
  const ConstView x = view(in.x), m = view(moments), from = view(dy);
  const float* scale = in.scale.data;
  const auto count = static_cast<double>(dy.cols);
  const Target dx(out);
  map_rows<2>(
      dy.rows, dy.cols,
      [=] CAIRN_BODY(size_t r, size_t c, double* sums) {
        const float g = from.at(r, c) * scale[c];
        sums[0] += g;
        sums[1] += static_cast<double>(g) * ((x.at(r, c) - m.at(r, kMean)) * m.at(r, kInverse));
      },
      [=] CAIRN_BODY(size_t, double* sums) {
        sums[0] /= count;
        sums[1] /= count;
      },
      [=] CAIRN_BODY(size_t r, size_t c, const double* means) {
        const float inverse = m.at(r, kInverse), n = (x.at(r, c) - m.at(r, kMean)) * inverse;
        const auto mean_g = static_cast<float>(means[0]), mean_gn = static_cast<float>(means[1]);
        dx.leave(r, c, inverse * (from.at(r, c) * scale[c] - mean_g - n * mean_gn));
      });
}

void layer_norm_parameters(const LayerNormInputs& in, ConstMatrix moments, ConstMatrix dy,
                           const LayerNormGradients& out) {
  const ConstView x = view(in.x), m = view(moments), g = view(dy);
  const Target dscale(out.scale), dshift(out.shift);
  reduce_columns<2>(
      dy.rows, dy.cols,
      [=] CAIRN_BODY(size_t r, size_t c, float* sums) {
        sums[0] += g.at(r, c) * (x.at(r, c) - m.at(r, kMean)) * m.at(r, kInverse);
        sums[1] += g.at(r, c);
      },
      [=] CAIRN_BODY(size_t c, const float* sums) {
        dscale.leave(0, c, sums[0]);
        dshift.leave(0, c, sums[1]);
      });
}

}  // namespace

void layer_norm_forward(const LayerNormInputs& in, Matrix moments, Matrix y) {
  check(is(in.x, y.rows, y.cols) && is(in.scale, 1, y.cols) && is(in.shift, 1, y.cols) &&
            is(moments, y.rows, 2),
        "layer norm: shapes differ");
  const ConstView x = view(in.x);
  const View m = view(moments), to = view(y);
  const float *scale = in.scale.data, *shift = in.shift.data;
  const auto count = static_cast<double>(y.cols);
  // Less the row's first element, so that one pass does: a mean far from zero cancels nothing.
  map_rows<2>(
      y.rows, y.cols,
      [=] CAIRN_BODY(size_t r, size_t c, double* sums) {
        const double d = static_cast<double>(x.at(r, c)) - static_cast<double>(x.at(r, 0));
        sums[0] += d;
        sums[1] += d * d;
      },
      [=] CAIRN_BODY(size_t r, double* sums) {
        const double first = x.at(r, 0), d = sums[0] / count;
        const auto mean = static_cast<float>(first + d);
        // The variance is the one around the rounded mean, which is subtracted from elements.
        const double off = static_cast<double>(mean) - first;
        const double variance = sums[1] / count - off * (2.0 * d - off);
        sums[kMean] = mean;
        sums[kInverse] =
            1.0 / std::sqrt((variance > 0.0 ? variance : 0.0) + double{kNormalizationEpsilon});
      },
      [=] CAIRN_BODY(size_t r, size_t c, const double* sums) {
        const auto mean = static_cast<float>(sums[kMean]);
        const auto inverse = static_cast<float>(sums[kInverse]);
        to.at(r, c) = (x.at(r, c) - mean) * inverse * scale[c] + shift[c];
        if (c > 0) return;
        m.at(r, kMean) = mean;
        m.at(r, kInverse) = inverse;
      });
}

void layer_norm_backward(const LayerNormInputs& in, ConstMatrix moments, ConstMatrix dy,
                         const LayerNormGradients& out) {
  if (out.x.wanted()) layer_norm_input(in, moments, dy, out.x);
  if (out.scale.wanted() || out.shift.wanted()) layer_norm_parameters(in, moments, dy, out);
}

void invert_deviation(ConstMatrix variance, Matrix inverse) {
  check(is(variance, 1, inverse.cols) && inverse.rows == 1, "invert deviation: shapes differ");
  const float* v = variance.data;
  float* y = inverse.data;
  for_each(inverse.cols,
           [=] CAIRN_BODY(size_t i) { y[i] = 1.0f / std::sqrt(v[i] + kNormalizationEpsilon); });
}

void move_towards(ConstMatrix seen, float factor, Matrix running) {
  check(is(seen, 1, running.cols) && running.rows == 1, "move towards: shapes differ");
  const float* x = seen.data;
  float* y = running.data;
  for_each(running.cols,
           [=] CAIRN_BODY(size_t i) { y[i] += kStatisticsMomentum * (factor * x[i] - y[i]); });
}

void column_sums(ConstMatrix x, Matrix sums) {
  check(is(sums, 1, x.cols), "column sums: shapes differ");
  const ConstView from = view(x);
  float* y = sums.data;
  reduce_columns<1>(
      x.rows, x.cols, [=] CAIRN_BODY(size_t r, size_t c, float* to) { to[0] += from.at(r, c); },
      [=] CAIRN_BODY(size_t c, const float* of) { y[c] = of[0]; });
}

void column_squares(ConstMatrix x, ConstMatrix mean, Matrix sums) {
  check(is(mean, 1, x.cols) && is(sums, 1, x.cols), "column squares: shapes differ");
  const ConstView from = view(x);
  const float* m = mean.data;
  float* y = sums.data;
  reduce_columns<1>(
      x.rows, x.cols,
      [=] CAIRN_BODY(size_t r, size_t c, float* to) {
        const float d = from.at(r, c) - m[c];
        to[0] += d * d;
      },
      [=] CAIRN_BODY(size_t c, const float* of) { y[c] = of[0]; });
}

void normalize(const NormalizeInputs& in, Matrix y) {
  check(is(in.x, y.rows, y.cols), "normalize: shapes differ");
  for (const ConstMatrix* m : {&in.mean, &in.inverse, &in.scale, &in.shift})
    check(is(*m, 1, y.cols), "normalize: shapes differ");
  const ConstView x = view(in.x);
  const View to = view(y);
  const float *mean = in.mean.data, *inverse = in.inverse.data;
  const float *scale = in.scale.data, *shift = in.shift.data;
  for_each_element(y.rows, y.cols, [=] CAIRN_BODY(size_t r, size_t c) {
    to.at(r, c) = (x.at(r, c) - mean[c]) * inverse[c] * scale[c] + shift[c];
  });
}

void normalize_sums(const NormalizeInputs& in, ConstMatrix dy, Matrix sums) {
  check(is(dy, in.x.rows, in.x.cols) && is(sums, 2, dy.cols), "normalize: shapes differ");
  const ConstView x = view(in.x), g = view(dy);
  const View y = view(sums);
  const float *mean = in.mean.data, *inverse = in.inverse.data;
  reduce_columns<2>(
      dy.rows, dy.cols,
      [=] CAIRN_BODY(size_t r, size_t c, float* to) {
        to[0] += g.at(r, c);
        to[1] += g.at(r, c) * (x.at(r, c) - mean[c]) * inverse[c];
      },
      [=] CAIRN_BODY(size_t c, const float* of) {
        y.at(0, c) = of[0];
        y.at(1, c) = of[1];
      });
}

void normalize_backward(const NormalizeInputs& in, ConstMatrix dy, ConstMatrix sums, float rows,
                        const Gradient& dx) {
  if (!dx.wanted()) return;
  const ConstView x = view(in.x), g = view(dy), s = view(sums);
  const float *mean = in.mean.data, *inverse = in.inverse.data, *scale = in.scale.data;
  const float share = 1.0f / rows;
  const Target to(dx);
  for_each_element(dy.rows, dy.cols, [=] CAIRN_BODY(size_t r, size_t c) {
    const float n = (x.at(r, c) - mean[c]) * inverse[c];
    to.leave(r, c,
             scale[c] * inverse[c] * (g.at(r, c) - share * s.at(0, c) - n * share * s.at(1, c)));
  });
}

}  // namespace cairn::math::CAIRN_KERNELS
