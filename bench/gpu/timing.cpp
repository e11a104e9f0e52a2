#include "bench/gpu/timing.h"

#include <algorithm>
#include <chrono>

#include "bench/gpu/event_clock.h"

namespace cairn::gpu {
namespace {

constexpr int kWarm = 3, kRounds = 9;
constexpr double kRoundSeconds = 0.02, kMostCalls = 200;

}  // namespace

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double device_seconds(math::Device& device, const std::function<void()>& work) {
  const math::Stream stream = device.stream();
  EventClock clock(stream);
  // Memory grows and products are chosen in the first calls, and within a graph neither may happen.
  for (int i = 0; i < kWarm; ++i) work();
  clock.start();
  work();
  clock.stop();
  const auto calls =
      static_cast<size_t>(std::clamp(kRoundSeconds / clock.seconds(), 1.0, kMostCalls));

  device.begin_capture(stream);
  for (size_t i = 0; i < calls; ++i) work();
  const math::Graph graph = device.end_capture(stream);
  device.launch(graph, stream);  // the first launch brings the graph to the device
  std::vector<double> times;
  for (int round = 0; round < kRounds; ++round) {
    clock.start();
    device.launch(graph, stream);
    clock.stop();
    times.push_back(clock.seconds() / static_cast<double>(calls));
  }
  device.destroy(graph);
  return median(times);
}

}  // namespace cairn::gpu
