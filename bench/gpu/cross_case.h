// One full cross layer alone, forward and backward.
#pragma once

#include "bench/gpu/machine.h"

namespace cairn::gpu {

// Seconds on the device. With bf16, rounding x and the weight is part of it.
double measure_cross(const Machine& machine, size_t dim, size_t batch, Precision precision);

}  // namespace cairn::gpu
