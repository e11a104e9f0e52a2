// How long single matrix products take on the device, one after another: what no step can do
// without.
#pragma once

#include <span>
#include <vector>

#include "bench/gpu/machine.h"
#include "bench/step/models.h"
#include "worker/math/tensor/buffer.h"

namespace cairn::gpu {

// Rows of factors and results begin at multiples of 64 bytes, at which products are fastest,
// whatever the step does.
class ProductRates {
 public:
  // For products no larger than these.
  ProductRates(const Machine& machine, std::span<const step::Product> largest);

  // Measured once a shape.
  double seconds(const step::Product& product, Precision precision);

  struct Rate {
    step::Product product;
    Precision precision;
    double seconds;

    double flops() const;  // a second
  };
  std::span<const Rate> rates() const { return rates_; }  // of what was measured

 private:
  math::Factor factor(size_t rows, size_t cols, bool transposed, size_t half, Precision precision);

  const Machine& machine_;
  size_t half_;  // of the factors' numbers: one half is a's, the other b's
  math::NumberBuffer<float> factors_;
  math::NumberBuffer<math::Bfloat16> rounded_;
  math::NumberBuffer<float> result_;
  std::vector<Rate> rates_;
};

}  // namespace cairn::gpu
