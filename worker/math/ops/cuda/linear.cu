#include "worker/math/ops/cuda/bf16.h"
#include "worker/math/ops/cuda/cuda_kernels.h"
#include "worker/math/ops/cuda/matmul.h"
#include "worker/math/ops/cuda/view.h"

namespace cairn::math::CAIRN_KERNELS {
namespace {

void check_shapes(const LinearInputs& in, ConstMatrix y) {
  check(in.x.cols == in.weight.cols && in.x.rows == y.rows && in.weight.rows == y.cols &&
            (in.bias.empty() || is(in.bias, 1, y.cols)),
        "linear: shapes differ");
  check(in.activation <= Activation::kRelu, "linear: this activation is an operation of its own");
  check(!in.bias.empty() || in.activation == Activation::kNone, "linear: relu without a bias");
}

// dpre, the gradient of x W^T + b, where it is wanted (as float32, or rounded), and its sum over
// the batch: db. `dpre` may be dy.
void backward(const LinearInputs& in, ConstMatrix y, ConstMatrix dy, Matrix dpre,
              RoundedMatrix dpre_rounded, const Gradient& bias) {
  const bool relu = in.activation == Activation::kRelu;
  const ConstView result = view(y), from = view(dy);
  const View to = view(dpre);
  const ViewOf<Bfloat16> to_rounded = view(dpre_rounded);
  const Target dbias(bias);
  const bool writes = dpre.data != nullptr && (dpre.data != dy.data || relu);
  reduce_columns<1>(
      dy.rows, dy.cols,
      [=] CAIRN_BODY(size_t r, size_t c, float* sums) {
        const float d = relu && !(result.at(r, c) > 0.0f) ? 0.0f : from.at(r, c);
        if (writes) to.at(r, c) = d;
        if (to_rounded.data != nullptr) to_rounded.at(r, c) = rounded(d);
        sums[0] += d;
      },
      [=] CAIRN_BODY(size_t c, const float* sums) { dbias.leave(0, c, sums[0]); });
}

}  // namespace

void linear_forward(const LinearInputs& in, Matrix y) {
  check_shapes(in, y);
  product(in.x_factor(), transpose(in.weight_factor()), in.bias, in.activation, {y});
}

void linear_backward(const LinearInputs& in, ConstMatrix y, Matrix dy, Arena& arena,
                     const LinearGradients& out) {
  check_shapes(in, dy);
  check(out.bias.wanted() || in.activation == Activation::kNone,
        "linear: relu's gradient comes with that of the bias");
  Factor dpre = dy;
  if (in.rounded()) {
    const RoundedMatrix to = arena.rounded_matrix(dy.rows, dy.cols);
    if (out.bias.wanted())
      backward(in, y, dy, {}, to, out.bias);
    else
      round(dy, to);
    dpre = to;
  } else if (out.bias.wanted()) {
    backward(in, y, dy, dy, {}, out.bias);
  }
  matmul(transpose(dpre), in.x_factor(), out.weight);           // dW += dpre^T x
  if (out.x.wanted()) matmul(dpre, in.weight_factor(), out.x);  // dx += dpre W
}

}  // namespace cairn::math::CAIRN_KERNELS
