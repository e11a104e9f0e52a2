#include "ps/optimizers/bias_correction.h"

#include <cmath>

namespace cairn::ps {

BiasCorrection::BiasCorrection(double beta) : beta_(beta) {
  constexpr uint32_t kEntriesMax = 1u << 16;  // 256 KiB; a slower decay computes beyond it
  for (uint32_t n = 0; n < kEntriesMax && (n < 2 || table_.back() != 1.0f); ++n)
    table_.push_back(compute(n));
}

float BiasCorrection::compute(uint32_t count) const {
  return static_cast<float>(1.0 / (1.0 - std::pow(beta_, count)));
}

}  // namespace cairn::ps
