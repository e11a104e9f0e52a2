// The operations on a GPU: see worker/ops/ops.h for what each does, and worker/ops/cuda/launch.h
// for how they are written.
#pragma once

#include <span>

#include "worker/ops/cuda/launch.h"
#include "worker/ops/ops.h"

namespace cairn::CAIRN_KERNELS {

const Ops& table();

inline Memory& memory() { return device(); }

#include "worker/ops/functions.inc"

}  // namespace cairn::CAIRN_KERNELS
