// Zipf-distributed numbers in constant memory and time, whatever the cardinality.
#pragma once

#include <cstdint>

#include "common/random.h"

namespace cairn::synthetic {

// P(k) is proportional to (k + 1)^-exponent for k in [0, cardinality).
// Source: rejection-inversion, Hörmann and Derflinger, ACM TOMACS 6 (1996): the hat is the integral
// of the density, inverted; about one draw in ten is rejected at worst. Thread safety: a plain
// value.
class ZipfSampler {
 public:
  // cardinality >= 1, exponent > 0.
  ZipfSampler(uint64_t cardinality, double exponent);

  uint64_t operator()(RandomStream& random) const;
  uint64_t cardinality() const { return cardinality_; }

 private:
  double density(double x) const;
  double integral(double x) const;
  double integral_inverse(double u) const;

  uint64_t cardinality_;
  double exponent_;
  double low_, high_;  // of the integral, over all numbers
  double sure_;        // x this close below a whole number needs no test
};

}  // namespace cairn::synthetic
