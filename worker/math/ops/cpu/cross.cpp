#include "common/simd.h"
#include "worker/math/ops/cpu/cpu.h"

namespace cairn::math::cpu {
namespace {

void check_shapes(const CrossInputs& in, ConstMatrix mixed, ConstMatrix y) {
  const size_t batch = in.x0.rows, dim = in.x0.cols;
  const auto is = [](ConstMatrix m, size_t rows, size_t cols) {
    return m.rows == rows && m.cols == cols;
  };
  check(is(in.x, batch, dim) && is(in.weight, dim, dim) && is(in.bias, 1, dim) &&
            is(mixed, batch, dim) && is(y, batch, dim),
        "cross: shapes differ");
}

// y = x0 * mixed + x
CAIRN_SIMD void combine(const float* __restrict x0, const float* __restrict mixed,
                        const float* __restrict x, float* __restrict y, size_t count) {
  for (size_t i = 0; i < count; ++i) y[i] = x0[i] * mixed[i] + x[i];
}

// dmixed = dy * x0; db += dmixed, row after row; dx0 = dy * mixed
CAIRN_SIMD void split(const float* __restrict dy, const float* __restrict x0,
                      const float* __restrict mixed, float* __restrict dmixed,
                      float* __restrict dbias, float* __restrict dx0, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const float d = dy[i] * x0[i];
    dmixed[i] = d;
    dbias[i] += d;
    dx0[i] = dy[i] * mixed[i];
  }
}

// The same, but dx0 += dy * mixed.
CAIRN_SIMD void split_adding(const float* __restrict dy, const float* __restrict x0,
                             const float* __restrict mixed, float* __restrict dmixed,
                             float* __restrict dbias, float* __restrict dx0, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const float d = dy[i] * x0[i];
    dmixed[i] = d;
    dbias[i] += d;
    dx0[i] += dy[i] * mixed[i];
  }
}

// Without dx0.
CAIRN_SIMD void split_mixed(const float* __restrict dy, const float* __restrict x0,
                            float* __restrict dmixed, float* __restrict dbias, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const float d = dy[i] * x0[i];
    dmixed[i] = d;
    dbias[i] += d;
  }
}

}  // namespace

void cross_forward(const CrossInputs& in, Matrix mixed, Matrix y) {
  check_shapes(in, mixed, y);
  matmul_bias(in.x_factor(), transpose(in.weight_factor()), in.bias, Activation::kNone, mixed);
  for (size_t r = 0; r < y.rows; ++r)
    combine(in.x0.row(r), mixed.row(r), in.x.row(r), y.row(r), y.cols);
}

void cross_backward(const CrossInputs& in, ConstMatrix mixed, ConstMatrix dy, Arena& arena,
                    const CrossGradients& out) {
  check_shapes(in, mixed, dy);
  // Where factors are rounded, one row at a time, while it is in the cache.
  const Matrix dmixed = arena.matrix(in.rounded() ? 1 : dy.rows, dy.cols);
  const RoundedMatrix rounded =
      in.rounded() ? arena.rounded_matrix(dy.rows, dy.cols) : RoundedMatrix();
  if (!out.bias.adds()) zero(out.bias.into);
  float* dbias = out.bias.into.data;
  for (size_t r = 0; r < dy.rows; ++r) {
    const float *g = dy.row(r), *x0 = in.x0.row(r);
    float* dmixed_row = dmixed.row(in.rounded() ? 0 : r);
    if (!out.x0.wanted()) {
      split_mixed(g, x0, dmixed_row, dbias, dy.cols);
    } else if (out.x0.adds()) {
      split_adding(g, x0, mixed.row(r), dmixed_row, dbias, out.x0.into.row(r), dy.cols);
    } else {
      split(g, x0, mixed.row(r), dmixed_row, dbias, out.x0.into.row(r), dy.cols);
    }
    if (in.rounded()) round(dmixed, {rounded.row(r), 1, dy.cols});
  }
  const Factor factor = in.rounded() ? Factor(rounded) : Factor(dmixed);
  matmul(transpose(factor), in.x_factor(), out.weight);  // dW += dmixed^T x

  const Gradient& dx = out.x_is_x0 ? out.x0 : out.x;
  if (!dx.wanted()) return;
  // dx += dy + dmixed W; what stands in dx0 by now is kept where x is x0.
  if (!out.x_holds_dy) copy(dy, {dx.into, out.x_is_x0 ? Write::kAdd : dx.write});
  matmul(factor, in.weight_factor(), {dx.into, Write::kAdd});
}

}  // namespace cairn::math::cpu
