#include <cmath>

#include "worker/math/ops/activation.h"
#include "worker/math/ops/cuda/cuda_kernels.h"
#include "worker/math/ops/cuda/view.h"

namespace cairn::math::CAIRN_KERNELS {
namespace {

void check_shapes(const ActivationInputs& in, ConstMatrix y) {
  check(is(y, in.x.rows, in.x.cols), "activation: shapes differ");
  check(in.kind != Activation::kPrelu || is(in.slope, 1, y.cols),
        "activation: prelu has not one slope a unit");
}

CAIRN_INLINE float logistic(float x) { return 1.0f / (1.0f + std::exp(-x)); }

// The standard normal's distribution function.
CAIRN_INLINE float normal_below(float x) { return 0.5f * std::erfc(-0.70710678118654752f * x); }

CAIRN_INLINE float normal_density(float x) {
  return 0.398942280401432678f * std::exp(-0.5f * x * x);  // 1 / sqrt(2 pi)
}

// `slope` is null but for prelu.
CAIRN_INLINE float value_of(Activation kind, float x, const float* slope, size_t c) {
  switch (kind) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return x > 0.0f ? x : 0.0f;
    case Activation::kGelu:
      return x * normal_below(x);
    case Activation::kSilu:
      return x * logistic(x);
    case Activation::kPrelu:
      return x > 0.0f ? x : slope[c] * x;
    case Activation::kSigmoid:
      return logistic(x);
    case Activation::kTanh:
      return std::tanh(x);
  }
  return x;
}

// f'(x) dy
CAIRN_INLINE float gradient_of(Activation kind, float x, float y, const float* slope, size_t c,
                               float dy) {
  switch (kind) {
    case Activation::kNone:
      return dy;
    case Activation::kRelu:
      return x > 0.0f ? dy : 0.0f;
    case Activation::kGelu:
      return dy * (normal_below(x) + x * normal_density(x));
    case Activation::kSilu: {
      const float p = logistic(x);
      return dy * p * (1.0f + x * (1.0f - p));
    }
    case Activation::kPrelu:
      return x > 0.0f ? dy : slope[c] * dy;
    case Activation::kSigmoid:
      return dy * y * (1.0f - y);
    case Activation::kTanh:
      return dy * (1.0f - y * y);
  }
  return dy;
}

}  // namespace

void activation_forward(const ActivationInputs& in, Matrix y) {
  check_shapes(in, y);
  const Activation kind = in.kind;
  const ConstView x = view(in.x);
  const View to = view(y);
  const float* slope = in.slope.data;
  for_each_element(y.rows, y.cols, [=] CAIRN_BODY(size_t r, size_t c) {
    to.at(r, c) = value_of(kind, x.at(r, c), slope, c);
  });
}

void activation_backward(const ActivationInputs& in, ConstMatrix y, ConstMatrix dy,
                         const ActivationGradients& out) {
  check_shapes(in, y);
  check(is(dy, y.rows, y.cols), "activation: shapes differ");
  const Activation kind = in.kind;
  const ConstView x = view(in.x), from = view(y), g = view(dy);
  const float* slope = in.slope.data;
  const Target dx(out.x), dslope(out.slope);
  if (dx.wanted())
    for_each_element(y.rows, y.cols, [=] CAIRN_BODY(size_t r, size_t c) {
      dx.leave(r, c, gradient_of(kind, x.at(r, c), from.at(r, c), slope, c, g.at(r, c)));
    });
  if (dslope.wanted())
    reduce_columns<1>(
        y.rows, y.cols,
        [=] CAIRN_BODY(size_t r, size_t c, float* sums) {
          sums[0] += x.at(r, c) > 0.0f ? 0.0f : x.at(r, c) * g.at(r, c);
        },
        [=] CAIRN_BODY(size_t c, const float* sums) { dslope.leave(0, c, sums[0]); });
}

}  // namespace cairn::math::CAIRN_KERNELS
