// How this benchmark takes a time: medians, after a warm-up, on the device's own clock.
#pragma once

#include <functional>
#include <vector>

#include "worker/math/device/device.h"

namespace cairn::gpu {

double median(std::vector<double> values);
double wall_seconds();

// Seconds of one call of `work` on the device. `work` gives its stream the same operations in every
// call, and many calls are launched as one graph, so that the time of the host's launches does not
// count.
double device_seconds(math::Device& device, const std::function<void()>& work);

}  // namespace cairn::gpu
