// Matrix products: cuBLASLt's on a GPU, the CPU's on a HostDevice. The same shapes give the same
// bits: no sum is made of atomics.
#pragma once

#include "worker/math/ops/activation.h"
#include "worker/math/ops/cuda/launch.h"
#include "worker/math/ops/matmul.h"

namespace cairn::math::CAIRN_KERNELS {

// c = f(a b + bias), or c += a b. `bias` [1, columns of c] may be empty. f is none, or relu where
// there is a bias.
void product(Factor a, Factor b, ConstMatrix bias, Activation activation, const Gradient& c);

// While it lives, products of float32 on this thread cut their factors to TF32.
class Tf32Scope {
 public:
  Tf32Scope();
  ~Tf32Scope();
  Tf32Scope(const Tf32Scope&) = delete;
  Tf32Scope& operator=(const Tf32Scope&) = delete;

 private:
  bool before_;
};

}  // namespace cairn::math::CAIRN_KERNELS
