#include "worker/math/ops/dropout.h"

#include <algorithm>
#include <cmath>

#include "common/random.h"
#include "common/simd.h"
#include "worker/math/ops/cpu/accumulate.h"

namespace cairn::math::cpu {
namespace {

constexpr float kUnit = 65536.0f;
constexpr size_t kDraws = 8;  // per block of random bits

CAIRN_SIMD void multiply_row(const float* __restrict x, const float* __restrict mask,
                             float* __restrict y, size_t count) {
  for (size_t i = 0; i < count; ++i) y[i] = x[i] * mask[i];
}

CAIRN_SIMD void add_product(const float* __restrict dy, const float* __restrict mask,
                            float* __restrict dx, size_t count) {
  for (size_t i = 0; i < count; ++i) dx[i] += dy[i] * mask[i];
}

void mask_row(const DropoutKey& key, uint64_t row, uint32_t threshold, float* mask, size_t count) {
  const float kept = kUnit / (kUnit - static_cast<float>(threshold));
  for (size_t u = 0; u < count; u += kDraws) {
    const PhiloxBlock bits =
        philox(key.seed ^ kDropout, key.at->step << 16 | key.layer, row << 16 | u / kDraws);
    for (size_t i = 0; i < std::min(kDraws, count - u); ++i) {
      const uint32_t draw = (bits[i / 2] >> (i % 2 * 16)) & 0xffff;
      mask[u + i] = draw < threshold ? 0.0f : kept;
    }
  }
}

}  // namespace

void dropout_forward(ConstMatrix x, const DropoutKey& key, float rate, Matrix mask, Matrix y) {
  check(is(x, y.rows, y.cols) && is(mask, y.rows, y.cols), "dropout: shapes differ");
  check(rate >= 0.0f && rate < 1.0f && key.layer < kUnit && y.cols <= kUnit,
        "dropout: rate, layer or units out of range");
  const auto threshold = std::min<uint32_t>(static_cast<uint32_t>(std::lround(rate * kUnit)),
                                            static_cast<uint32_t>(kUnit) - 1);
  for (size_t r = 0; r < y.rows; ++r) {
    mask_row(key, key.at->first_sample + r, threshold, mask.row(r), y.cols);
    multiply_row(x.row(r), mask.row(r), y.row(r), y.cols);
  }
}

void dropout_backward(ConstMatrix mask, ConstMatrix dy, const Gradient& dx) {
  if (!dx.wanted()) return;
  begin(dx);
  for (size_t r = 0; r < dy.rows; ++r) add_product(dy.row(r), mask.row(r), dx.into.row(r), dy.cols);
}

}  // namespace cairn::math::cpu
