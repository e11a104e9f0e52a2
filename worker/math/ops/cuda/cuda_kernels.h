// The operations on a GPU: see worker/math/ops/ops.h for what each does, and
// worker/math/ops/cuda/launch.h for how they are written.
#pragma once

#include <span>

#include "worker/math/ops/cuda/launch.h"
#include "worker/math/ops/ops.h"

namespace cairn::math::CAIRN_KERNELS {

const Ops& table();

inline Memory& memory() { return device(); }

#include "worker/math/ops/functions.inc"

}  // namespace cairn::math::CAIRN_KERNELS
