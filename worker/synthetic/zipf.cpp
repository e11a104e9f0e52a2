#include "worker/synthetic/zipf.h"

#include <algorithm>
#include <cmath>

namespace cairn::synthetic {
namespace {

// Both have a removable singularity at 0, where exponent 1 would divide by zero.
double expm1_over(double x) { return std::fabs(x) > 1e-8 ? std::expm1(x) / x : 1.0 + x / 2; }
double log1p_over(double x) { return std::fabs(x) > 1e-8 ? std::log1p(x) / x : 1.0 - x / 2; }

}  // namespace

ZipfSampler::ZipfSampler(uint64_t cardinality, double exponent)
    : cardinality_(cardinality), exponent_(exponent) {
  low_ = integral(1.5) - 1.0;
  high_ = integral(static_cast<double>(cardinality) + 0.5);
  sure_ = 2.0 - integral_inverse(integral(2.5) - density(2.0));
}

double ZipfSampler::density(double x) const { return std::exp(-exponent_ * std::log(x)); }

// (x^(1 - s) - 1) / (1 - s), and log x at s = 1.
double ZipfSampler::integral(double x) const {
  const double log_x = std::log(x);
  return expm1_over((1.0 - exponent_) * log_x) * log_x;
}

double ZipfSampler::integral_inverse(double u) const {
  const double t = std::max(-1.0, u * (1.0 - exponent_));  // rounding may pass the pole
  return std::exp(log1p_over(t) * u);
}

uint64_t ZipfSampler::operator()(RandomStream& random) const {
  for (;;) {
    const double u = high_ + random.next_double() * (low_ - high_);
    const double x = integral_inverse(u);
    const double k = std::clamp(std::round(x), 1.0, static_cast<double>(cardinality_));
    if (k - x <= sure_ || u >= integral(k + 0.5) - density(k)) return static_cast<uint64_t>(k) - 1;
  }
}

}  // namespace cairn::synthetic
