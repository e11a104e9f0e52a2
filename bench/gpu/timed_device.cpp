#include "bench/gpu/timed_device.h"

#include "common/check.h"

namespace cairn::gpu {
namespace {

// Ops names its memory by a plain function.
thread_local TimedDevice* current = nullptr;

math::Memory& memory() { return *current; }

}  // namespace

TimedDevice::TimedDevice(math::Device& device) : on_(device), clock_(device.stream()) {
  check(current == nullptr, "a second timed device on this thread");
  current = this;
  set_stream(device.stream());
}

TimedDevice::~TimedDevice() { current = nullptr; }

math::Ops TimedDevice::timed(const math::Ops& ops) const {
  math::Ops here = ops;
  here.memory = memory;
  return here;
}

void TimedDevice::launch(math::Graph graph, math::Stream stream) {
  if (launches_++ == 0) clock_.start();
  on_.launch(graph, stream);
  clock_.stop();
}

}  // namespace cairn::gpu
