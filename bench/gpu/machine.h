// The machine that the cases are measured on, and how fast it copies.
#pragma once

#include <vector>

#include "common/config/train_config.h"
#include "worker/math/device/device.h"
#include "worker/math/ops/ops.h"

namespace cairn::gpu {

// Nothing of it is owned; device and operations are those of the calling thread.
struct Machine {
  math::Device& device;
  const math::Ops& plain;  // bf16 where factors are rounded
  const math::Ops& in_tf32;

  const math::Ops& ops(Precision precision) const {
    return precision == Precision::kTf32 ? in_tf32 : plain;
  }
};

// Bytes a second, read and written, of copies within the device's memory, far beyond its caches.
double copy_rate(math::Device& device);

// Uniform in [-1, 1). Not zeros: a GPU multiplies those with less power, and so faster.
std::vector<float> noise(size_t count);

}  // namespace cairn::gpu
