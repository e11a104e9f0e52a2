#include "common/simd.h"
#include "worker/math/ops/cpu/accumulate.h"
#include "worker/math/ops/cpu/cpu.h"
#include "worker/math/ops/cpu/exp.h"

namespace cairn::math::cpu {
namespace {

void check_shapes(const ActivationInputs& in, ConstMatrix y) {
  check(is(y, in.x.rows, in.x.cols), "activation: shapes differ");
  check(in.kind != Activation::kPrelu || is(in.slope, 1, y.cols),
        "activation: prelu has not one slope a unit");
}

// One loop a kind, so that each is vectorised alone. `slope` is null but for prelu.
CAIRN_SIMD void forward_row(Activation kind, const float* __restrict x,
                            const float* __restrict slope, float* __restrict y, size_t count) {
  switch (kind) {
    case Activation::kNone:
      for (size_t i = 0; i < count; ++i) y[i] = x[i];
      return;
    case Activation::kRelu:
      for (size_t i = 0; i < count; ++i) y[i] = x[i] > 0.0f ? x[i] : 0.0f;
      return;
    case Activation::kGelu:
      for (size_t i = 0; i < count; ++i) y[i] = x[i] * normal_below(x[i]);
      return;
    case Activation::kSilu:
      for (size_t i = 0; i < count; ++i) y[i] = x[i] * logistic_of(x[i]);
      return;
    case Activation::kPrelu:
      for (size_t i = 0; i < count; ++i) y[i] = x[i] > 0.0f ? x[i] : slope[i] * x[i];
      return;
    case Activation::kSigmoid:
      for (size_t i = 0; i < count; ++i) y[i] = logistic_of(x[i]);
      return;
    case Activation::kTanh:
      for (size_t i = 0; i < count; ++i) y[i] = tanh_of(x[i]);
      return;
  }
}

// dx += f'(x) dy
CAIRN_SIMD void backward_row(Activation kind, const float* __restrict x, const float* __restrict y,
                             const float* __restrict slope, const float* __restrict dy,
                             float* __restrict dx, size_t count) {
  constexpr float kDensity = 0.398942280401432678f;  // 1 / sqrt(2 pi)
  switch (kind) {
    case Activation::kNone:
      for (size_t i = 0; i < count; ++i) dx[i] += dy[i];
      return;
    case Activation::kRelu:
      for (size_t i = 0; i < count; ++i) dx[i] += x[i] > 0.0f ? dy[i] : 0.0f;
      return;
    case Activation::kGelu:
      for (size_t i = 0; i < count; ++i)
        dx[i] += dy[i] * (normal_below(x[i]) + x[i] * kDensity * exp_of(-0.5f * x[i] * x[i]));
      return;
    case Activation::kSilu:
      for (size_t i = 0; i < count; ++i) {
        const float p = logistic_of(x[i]);
        dx[i] += dy[i] * p * (1.0f + x[i] * (1.0f - p));
      }
      return;
    case Activation::kPrelu:
      for (size_t i = 0; i < count; ++i) dx[i] += x[i] > 0.0f ? dy[i] : slope[i] * dy[i];
      return;
    case Activation::kSigmoid:
      for (size_t i = 0; i < count; ++i) dx[i] += dy[i] * y[i] * (1.0f - y[i]);
      return;
    case Activation::kTanh:
      for (size_t i = 0; i < count; ++i) dx[i] += dy[i] * (1.0f - y[i] * y[i]);
      return;
  }
}

CAIRN_SIMD void slope_row(const float* __restrict x, const float* __restrict dy,
                          float* __restrict dslope, size_t count) {
  for (size_t i = 0; i < count; ++i) dslope[i] += x[i] > 0.0f ? 0.0f : x[i] * dy[i];
}

}  // namespace

void activation_forward(const ActivationInputs& in, Matrix y) {
  check_shapes(in, y);
  for (size_t r = 0; r < y.rows; ++r)
    forward_row(in.kind, in.x.row(r), in.slope.data, y.row(r), y.cols);
}

void activation_backward(const ActivationInputs& in, ConstMatrix y, ConstMatrix dy,
                         const ActivationGradients& out) {
  check_shapes(in, y);
  check(is(dy, y.rows, y.cols), "activation: shapes differ");
  begin(out.x);
  begin(out.slope);
  for (size_t r = 0; r < y.rows; ++r) {
    if (out.x.wanted())
      backward_row(in.kind, in.x.row(r), y.row(r), in.slope.data, dy.row(r), out.x.into.row(r),
                   y.cols);
    if (out.slope.wanted()) slope_row(in.x.row(r), dy.row(r), out.slope.into.data, y.cols);
  }
}

}  // namespace cairn::math::cpu
