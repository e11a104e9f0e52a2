#include "worker/math/ops/cuda/cuda_kernels.h"
#include "worker/math/ops/cuda/matmul.h"

namespace cairn::math::CAIRN_KERNELS {

// Both are there from compute capability 8.0 on, which this build asks for.
bool multiplies_bf16() { return true; }
bool multiplies_tf32() { return true; }

void matmul(Factor a, Factor b, const Gradient& c) {
  if (a.cols() > 0) return product(a, b, {}, Activation::kNone, c);
  if (!c.adds()) zero(c.into);
}

}  // namespace cairn::math::CAIRN_KERNELS
