// The operations on the CPU: see worker/math/ops/ops.h for what each does.
#pragma once

#include <span>

#include "worker/math/ops/ops.h"

namespace cairn::math::cpu {

#include "worker/math/ops/functions.inc"

// c = f(a b + bias), in one pass over c. `bias` [1, cols of c] may be empty.
void matmul_bias(Factor a, Factor b, ConstMatrix bias, Activation activation, Matrix c);

}  // namespace cairn::math::cpu
