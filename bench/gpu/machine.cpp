#include "bench/gpu/machine.h"

#include "bench/gpu/timing.h"
#include "common/random.h"
#include "worker/math/tensor/buffer.h"

namespace cairn::gpu {

double copy_rate(math::Device& device) {
  constexpr size_t kBytes = size_t{1} << 29;
  math::NumberBuffer<float> from(device, kBytes / sizeof(float)),
      to(device, kBytes / sizeof(float));
  const double seconds = device_seconds(
      device, [&] { device.copy(device.stream(), to.span().data(), from.span().data(), kBytes); });
  return 2.0 * static_cast<double>(kBytes) / seconds;
}

// A block of random numbers over and over: products do not see that, and drawing takes long.
std::vector<float> noise(size_t count) {
  constexpr size_t kBlock = (size_t{1} << 18) - 5;  // in step with no matrix
  RandomStream random(1, 0);
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = i < kBlock ? 2.0f * random.next_float() - 1.0f : values[i - kBlock];
  return values;
}

}  // namespace cairn::gpu
