#include "common/simd.h"
#include "worker/math/ops/cpu/cpu.h"

namespace cairn::math::cpu {
namespace {

void check_shapes(const LinearInputs& in, ConstMatrix y) {
  check(in.x.cols == in.weight.cols && in.x.rows == y.rows && in.weight.rows == y.cols &&
            (in.bias.empty() || (in.bias.rows == 1 && in.bias.cols == y.cols)),
        "linear: shapes differ");
  check(in.activation <= Activation::kRelu, "linear: this activation is an operation of its own");
  check(!in.bias.empty() || in.activation == Activation::kNone, "linear: relu without a bias");
}

// dpre = dy where y > 0; sums += dpre, row after row. dpre may be dy.
CAIRN_SIMD void relu_backward(const float* y, const float* dy, float* dpre, float* sums,
                              size_t count) {
#pragma GCC ivdep
  for (size_t i = 0; i < count; ++i) {
    const float d = y[i] > 0.0f ? dy[i] : 0.0f;
    dpre[i] = d;
    sums[i] += d;
  }
}

CAIRN_SIMD void add_to(const float* __restrict dy, float* __restrict sums, size_t count) {
  for (size_t i = 0; i < count; ++i) sums[i] += dy[i];
}

// Both backward functions return dpre, the gradient of x W^T + b; db += dpre, summed over the
// batch.
Matrix backward_f32(const LinearInputs& in, ConstMatrix y, Matrix dy, Arena& arena,
                    const LinearGradients& out) {
  Matrix dpre = dy;
  if (in.activation == Activation::kRelu && !dy.contiguous())
    dpre = arena.matrix(dy.rows, dy.cols);  // products of contiguous matrices are faster
  float* dbias = out.bias.into.data;
  for (size_t r = 0; dbias != nullptr && r < dy.rows; ++r) {
    if (in.activation == Activation::kRelu) {
      relu_backward(y.row(r), dy.row(r), dpre.row(r), dbias, dy.cols);
    } else {
      add_to(dy.row(r), dbias, dy.cols);
    }
  }
  return dpre;
}

RoundedMatrix backward_rounded(const LinearInputs& in, ConstMatrix y, Matrix dy, Arena& arena,
                               const LinearGradients& out) {
  const RoundedMatrix dpre = arena.rounded_matrix(dy.rows, dy.cols);
  float* dbias = out.bias.into.data;
  for (size_t r = 0; r < dy.rows; ++r) {
    float* row = dy.row(r);  // used up, and rounded while it is in the cache
    if (in.activation == Activation::kRelu) {
      relu_backward(y.row(r), row, row, dbias, dy.cols);
    } else if (dbias != nullptr) {
      add_to(row, dbias, dy.cols);
    }
    round({row, 1, dy.cols}, {dpre.row(r), 1, dy.cols});
  }
  return dpre;
}

}  // namespace

void linear_forward(const LinearInputs& in, Matrix y) {
  check_shapes(in, y);
  matmul_bias(in.x_factor(), transpose(in.weight_factor()), in.bias, in.activation, y);
}

void linear_backward(const LinearInputs& in, ConstMatrix y, Matrix dy, Arena& arena,
                     const LinearGradients& out) {
  check_shapes(in, dy);
  check(out.bias.wanted() || in.activation == Activation::kNone,
        "linear: relu's gradient comes with that of the bias");
  if (out.bias.wanted() && !out.bias.adds()) zero(out.bias.into);
  const Factor dpre = in.rounded() ? Factor(backward_rounded(in, y, dy, arena, out))
                                   : Factor(backward_f32(in, y, dy, arena, out));
  matmul(transpose(dpre), in.x_factor(), out.weight);           // dW += dpre^T x
  if (out.x.wanted()) matmul(dpre, in.weight_factor(), out.x);  // dx += dpre W
}

}  // namespace cairn::math::cpu
