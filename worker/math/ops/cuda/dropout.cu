#include <algorithm>
#include <cmath>

#include "common/random.h"
#include "worker/math/ops/cuda/cuda_kernels.h"
#include "worker/math/ops/cuda/view.h"
#include "worker/math/ops/dropout.h"

namespace cairn::math::CAIRN_KERNELS {
namespace {

constexpr float kUnit = 65536.0f;
constexpr size_t kDraws = 8;  // per block of random bits

// The draw i of a block. Spelled out: registers have no addresses, and an index that is not known
// before would move the block to memory.
CAIRN_INLINE uint32_t draw_of(const PhiloxBlock& bits, size_t i) {
  const uint32_t low = i / 2 % 2 == 0 ? bits[0] : bits[1];
  const uint32_t high = i / 2 % 2 == 0 ? bits[2] : bits[3];
  return (i < kDraws / 2 ? low : high) >> (i % 2 * 16) & 0xffff;
}

}  // namespace

// Every unit makes its block anew: the eight that share one would not read and write side by side.
void dropout_forward(ConstMatrix x, const DropoutKey& key, float rate, Matrix mask, Matrix y) {
  check(is(x, y.rows, y.cols) && is(mask, y.rows, y.cols), "dropout: shapes differ");
  check(rate >= 0.0f && rate < 1.0f && key.layer < kUnit && y.cols <= kUnit,
        "dropout: rate, layer or units out of range");
  const auto threshold = std::min<uint32_t>(static_cast<uint32_t>(std::lround(rate * kUnit)),
                                            static_cast<uint32_t>(kUnit) - 1);
  const float kept = kUnit / (kUnit - static_cast<float>(threshold));
  const ConstView from = view(x);
  const View m = view(mask), to = view(y);
  const uint64_t seed = key.seed ^ kDropout;
  const uint32_t layer = key.layer;
  const StepNumbers* at = key.at;
  for_each_element(y.rows, y.cols, [=] CAIRN_BODY(size_t r, size_t u) {
    const uint64_t row = at->first_sample + r;
    const PhiloxBlock bits = philox(seed, at->step << 16 | layer, row << 16 | u / kDraws);
    const float factor = draw_of(bits, u % kDraws) < threshold ? 0.0f : kept;
    m.at(r, u) = factor;
    to.at(r, u) = from.at(r, u) * factor;
  });
}

void dropout_backward(ConstMatrix mask, ConstMatrix dy, const Gradient& dx) {
  if (!dx.wanted()) return;
  const ConstView m = view(mask), g = view(dy);
  const Target to(dx);
  for_each_element(dy.rows, dy.cols,
                   [=] CAIRN_BODY(size_t r, size_t c) { to.leave(r, c, g.at(r, c) * m.at(r, c)); });
}

}  // namespace cairn::math::CAIRN_KERNELS
