// Time on a stream of a GPU, by CUDA's events: what the host does meanwhile counts only where the
// stream waits for it. The one place here that calls CUDA itself.
#pragma once

#include <string>

#include "worker/math/device/device.h"

struct CUevent_st;  // as in cuda_runtime.h

namespace cairn::gpu {

class EventClock {
 public:
  explicit EventClock(math::Stream stream);
  ~EventClock();
  EventClock(const EventClock&) = delete;
  EventClock& operator=(const EventClock&) = delete;

  void start();
  void stop();             // as often as wanted: the last counts
  double seconds() const;  // from the last start to the last stop; waits for both

 private:
  math::Stream stream_;
  CUevent_st* start_ = nullptr;
  CUevent_st* stop_ = nullptr;
};

// Names the GPU that the calling thread computes on, and CUDA.
std::string name_of_gpu();

}  // namespace cairn::gpu
