#include "bench/gpu/cross_case.h"

#include "bench/gpu/timing.h"

namespace cairn::gpu {

double measure_cross(const Machine& machine, size_t dim, size_t batch, Precision precision) {
  const math::Ops& ops = machine.ops(precision);
  math::Arena storage(ops.memory()), step(ops.memory());
  const auto random = [&](size_t rows, size_t cols) {
    const math::Matrix made = storage.matrix(rows, cols);
    machine.device.write(made.data, noise(rows * cols).data(), rows * cols * sizeof(float));
    return made;
  };
  math::CrossInputs in = {.x0 = random(batch, dim),
                          .x = random(batch, dim),
                          .weight = random(dim, dim),
                          .bias = random(1, dim)};
  math::RoundedMatrix x, weight;
  if (precision == Precision::kBf16) {
    in.x_rounded = x = storage.rounded_matrix(batch, dim);
    in.weight_rounded = weight = storage.rounded_matrix(dim, dim);
  }
  const math::Matrix dy = random(batch, dim);
  const math::Matrix mixed = storage.matrix(batch, dim), y = storage.matrix(batch, dim);
  const math::CrossGradients out = {.x0 = {storage.matrix(batch, dim)},
                                    .x = {storage.matrix(batch, dim)},
                                    .weight = {storage.matrix(dim, dim)},
                                    .bias = {storage.matrix(1, dim)}};
  return device_seconds(machine.device, [&] {
    step.reset();
    if (in.rounded()) {
      ops.round(in.x, x);
      ops.round(in.weight, weight);
    }
    ops.cross_forward(in, mixed, y);
    ops.cross_backward(in, mixed, dy, step, out);
  });
}

}  // namespace cairn::gpu
