// A model's training step as a worker takes it: rows in pinned host memory in, their gradients out,
// the model and Adam over its dense parameters on the device. Reading, servers and the row
// optimizer are not in it.
#pragma once

#include "bench/gpu/machine.h"
#include "bench/gpu/step_floor.h"
#include "bench/step/models.h"

namespace cairn::gpu {

struct StepTime {
  double
      device;   // seconds on the device of forward, backward and Adam: no copy from or to the host
  double wall;  // seconds of all of it, copies included, by the host's clock
  StepSizes sizes;
};

StepTime measure_step(const Machine& machine, const step::StepModel& model, size_t batch,
                      Precision precision);

}  // namespace cairn::gpu
