#include "worker/math/ops/cuda/bf16.h"
#include "worker/math/ops/cuda/cuda_kernels.h"
#include "worker/math/ops/cuda/matmul.h"
#include "worker/math/ops/cuda/view.h"

namespace cairn::math::CAIRN_KERNELS {
namespace {

void check_shapes(const CrossInputs& in, ConstMatrix mixed, ConstMatrix y) {
  const size_t batch = in.x0.rows, dim = in.x0.cols;
  check(is(in.x, batch, dim) && is(in.weight, dim, dim) && is(in.bias, 1, dim) &&
            is(mixed, batch, dim) && is(y, batch, dim),
        "cross: shapes differ");
}

}  // namespace

void cross_forward(const CrossInputs& in, Matrix mixed, Matrix y) {
  check_shapes(in, mixed, y);
  product(in.x_factor(), transpose(in.weight_factor()), in.bias, Activation::kNone, {mixed});
  const ConstView x0 = view(in.x0), m = view(ConstMatrix(mixed)), x = view(in.x);
  const View to = view(y);
  for_each_element(y.rows, y.cols, [=] CAIRN_BODY(size_t r, size_t c) {
    to.at(r, c) = x0.at(r, c) * m.at(r, c) + x.at(r, c);
  });
}

// One pass makes all that is elementwise: dmixed = dy * x0 and its sums, dx0 = dy * mixed, and the
// part of dx that is dy itself; then two products.
void cross_backward(const CrossInputs& in, ConstMatrix mixed, ConstMatrix dy, Arena& arena,
                    const CrossGradients& out) {
  check_shapes(in, mixed, dy);
  const Matrix dmixed = in.rounded() ? Matrix() : arena.matrix(dy.rows, dy.cols);
  const RoundedMatrix dmixed_rounded =
      in.rounded() ? arena.rounded_matrix(dy.rows, dy.cols) : RoundedMatrix();
  const ConstView g = view(dy), x0 = view(in.x0), m = view(mixed);
  const View to = view(dmixed);
  const ViewOf<Bfloat16> to_rounded = view(dmixed_rounded);
  const Target dx0(out.x0), dbias(out.bias);
  const Target dx(out.x_is_x0 || out.x_holds_dy ? Gradient{} : out.x);
  const bool both = out.x_is_x0;
  reduce_columns<1>(
      dy.rows, dy.cols,
      [=] CAIRN_BODY(size_t r, size_t c, float* sums) {
        const float d = g.at(r, c), of_mixed = d * x0.at(r, c);
        if (to_rounded.data != nullptr)
          to_rounded.at(r, c) = rounded(of_mixed);
        else
          to.at(r, c) = of_mixed;
        sums[0] += of_mixed;
        dx0.leave(r, c, both ? d * m.at(r, c) + d : d * m.at(r, c));
        dx.leave(r, c, d);
      },
      [=] CAIRN_BODY(size_t c, const float* sums) { dbias.leave(0, c, sums[0]); });

  const Factor factor = in.rounded() ? Factor(dmixed_rounded) : Factor(dmixed);
  matmul(transpose(factor), in.x_factor(), out.weight);  // dW += dmixed^T x
  const Gradient& of_x = out.x_is_x0 ? out.x0 : out.x;
  if (of_x.wanted()) matmul(factor, in.weight_factor(), {of_x.into, Write::kAdd});
}

}  // namespace cairn::math::CAIRN_KERNELS
