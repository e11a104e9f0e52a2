#include "worker/math/ops/cpu/round.h"

#include "common/simd.h"
#include "worker/math/ops/cpu/cpu.h"

namespace cairn::math::cpu {
namespace {

CAIRN_SIMD void round_row(const float* __restrict x, Bfloat16* __restrict y, size_t count) {
  for (size_t i = 0; i < count; ++i) y[i] = rounded(x[i]);
}

}  // namespace

void round(ConstMatrix x, RoundedMatrix y) {
  check(x.rows == y.rows && x.cols == y.cols, "round: shapes differ");
  for (size_t r = 0; r < x.rows; ++r) round_row(x.row(r), y.row(r), x.cols);
}

}  // namespace cairn::math::cpu
