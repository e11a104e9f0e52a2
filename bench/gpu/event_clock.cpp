#include "bench/gpu/event_clock.h"

#include <cuda_runtime.h>
#include <fmt/format.h>

#include "common/check.h"

namespace cairn::gpu {
namespace {

void must(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  check(false, fmt::format("CUDA: {}: {}", what, cudaGetErrorString(error)));
}

cudaStream_t to_cuda(math::Stream stream) { return reinterpret_cast<cudaStream_t>(stream); }

std::string version(int number) { return fmt::format("{}.{}", number / 1000, number % 1000 / 10); }

}  // namespace

EventClock::EventClock(math::Stream stream) : stream_(stream) {
  must(cudaEventCreate(&start_), "make an event");
  must(cudaEventCreate(&stop_), "make an event");
}

EventClock::~EventClock() {
  (void)cudaEventDestroy(start_);
  (void)cudaEventDestroy(stop_);
}

void EventClock::start() { must(cudaEventRecord(start_, to_cuda(stream_)), "record an event"); }
void EventClock::stop() { must(cudaEventRecord(stop_, to_cuda(stream_)), "record an event"); }

double EventClock::seconds() const {
  must(cudaEventSynchronize(stop_), "wait for an event");
  float milliseconds = 0;
  must(cudaEventElapsedTime(&milliseconds, start_, stop_), "read an event");
  return 1e-3 * static_cast<double>(milliseconds);
}

std::string name_of_gpu() {
  int index = 0, runtime = 0, driver = 0;
  cudaDeviceProp properties;
  must(cudaGetDevice(&index), "ask for the device");
  must(cudaGetDeviceProperties(&properties, index), "ask for its name");
  must(cudaRuntimeGetVersion(&runtime), "ask for CUDA's version");
  must(cudaDriverGetVersion(&driver), "ask for the driver's version");
  return fmt::format("{}, CUDA {}, driver for CUDA {}", properties.name, version(runtime),
                     version(driver));
}

}  // namespace cairn::gpu
