#include "common/simd.h"
#include "worker/ops/cpu/cpu.h"

namespace cairn::cpu {
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
  matmul_bias(in.x, transpose(in.weight), in.bias, Activation::kNone, mixed);
  for (size_t r = 0; r < y.rows; ++r)
    combine(in.x0.row(r), mixed.row(r), in.x.row(r), y.row(r), y.cols);
}

void cross_backward(const CrossInputs& in, ConstMatrix mixed, ConstMatrix dy, Arena& arena,
                    const CrossGradients& out) {
  check_shapes(in, mixed, dy);
  const Matrix dmixed = arena.matrix(dy.rows, dy.cols);
  if (!out.bias.adds()) zero(out.bias.into);
  float* dbias = out.bias.into.data;
  for (size_t r = 0; r < dy.rows; ++r) {
    const float *g = dy.row(r), *x0 = in.x0.row(r);
    if (!out.x0.wanted()) {
      split_mixed(g, x0, dmixed.row(r), dbias, dy.cols);
    } else if (out.x0.adds()) {
      split_adding(g, x0, mixed.row(r), dmixed.row(r), dbias, out.x0.into.row(r), dy.cols);
    } else {
      split(g, x0, mixed.row(r), dmixed.row(r), dbias, out.x0.into.row(r), dy.cols);
    }
  }
  matmul(transpose(dmixed), in.x, out.weight);  // dW += dmixed^T x

  const Gradient& dx = out.x_is_x0 ? out.x0 : out.x;
  if (!dx.wanted()) return;
  // dx += dy + dmixed W; what stands in dx0 by now is kept where x is x0.
  if (!out.x_holds_dy) copy(dy, {dx.into, out.x_is_x0 ? Write::kAdd : dx.write});
  matmul(dmixed, in.weight, {dx.into, Write::kAdd});
}

}  // namespace cairn::cpu
