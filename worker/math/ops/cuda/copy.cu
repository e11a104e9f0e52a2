#include "worker/math/ops/cuda/bf16.h"
#include "worker/math/ops/cuda/cuda_kernels.h"
#include "worker/math/ops/cuda/view.h"

namespace cairn::math::CAIRN_KERNELS {

void fill(Matrix y, float value) {
  const View to = view(y);
  for_each_element(y.rows, y.cols, [=] CAIRN_BODY(size_t r, size_t c) { to.at(r, c) = value; });
}

void zero(Matrix y) {
  if (y.contiguous())
    device().zero(device().stream(), y.data, y.rows * y.cols * sizeof(float));
  else
    fill(y, 0.0f);
}

void scale(Matrix y, float factor) {
  const View to = view(y);
  for_each_element(y.rows, y.cols, [=] CAIRN_BODY(size_t r, size_t c) { to.at(r, c) *= factor; });
}

void copy(ConstMatrix x, const Gradient& y) {
  check(is(x, y.into.rows, y.into.cols), "copy: shapes differ");
  const ConstView from = view(x);
  const Target to(y);
  for_each_element(x.rows, x.cols,
                   [=] CAIRN_BODY(size_t r, size_t c) { to.leave(r, c, from.at(r, c)); });
}

void add_scaled(ConstMatrix x, float factor, Matrix y) {
  check(is(x, y.rows, y.cols), "add scaled: shapes differ");
  const ConstView from = view(x);
  const View to = view(y);
  for_each_element(x.rows, x.cols,
                   [=] CAIRN_BODY(size_t r, size_t c) { to.at(r, c) += factor * from.at(r, c); });
}

void move_rows(std::span<const RowMove> moves, Matrix y) {
  const RowMove* all = moves.data();
  const View rows = view(y);
  for_each_element(moves.size(), y.cols, [=] CAIRN_BODY(size_t i, size_t c) {
    rows.at(all[i].to, c) = rows.at(all[i].from, c);
  });
}

void round(ConstMatrix x, RoundedMatrix y) {
  check(x.rows == y.rows && x.cols == y.cols, "round: shapes differ");
  const ConstView from = view(x);
  const ViewOf<Bfloat16> to = view(y);
  for_each_element(x.rows, x.cols,
                   [=] CAIRN_BODY(size_t r, size_t c) { to.at(r, c) = rounded(from.at(r, c)); });
}

}  // namespace cairn::math::CAIRN_KERNELS
