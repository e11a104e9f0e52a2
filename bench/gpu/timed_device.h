// A device that passes everything on to another and takes the time of the graphs that it launches.
// A model's step is one or a few graphs (worker/math/device/step_graphs.h), and before and after
// them the host copies inputs and results: so a step's computation is told from its copies without
// a change to either.
#pragma once

#include "bench/gpu/event_clock.h"
#include "worker/math/device/device.h"
#include "worker/math/ops/ops.h"

namespace cairn::gpu {

class TimedDevice final : public math::Device {
 public:
  // There is one at a time on a thread.
  explicit TimedDevice(math::Device& device);
  ~TimedDevice() override;

  // `ops` whose numbers stand in this device's memory, which is the other's.
  math::Ops timed(const math::Ops& ops) const;

  void begin() { launches_ = 0; }
  // Graphs launched since `begin`, and seconds on the device from the first one's start to the last
  // one's end.
  size_t launches() const { return launches_; }
  double seconds() const { return clock_.seconds(); }

  void launch(math::Graph graph, math::Stream stream) override;

  void* allocate(size_t bytes) override { return on_.allocate(bytes); }
  void free(void* block, size_t bytes) override { on_.free(block, bytes); }
  void read(void* host, const void* here, size_t bytes) override { on_.read(host, here, bytes); }
  void write(void* here, const void* host, size_t bytes) override { on_.write(here, host, bytes); }
  bool is_host() const override { return on_.is_host(); }
  void* allocate_staging(size_t bytes) override { return on_.allocate_staging(bytes); }
  void free_staging(void* block, size_t bytes) override { on_.free_staging(block, bytes); }
  void pin(void* block, size_t bytes) override { on_.pin(block, bytes); }
  void unpin(void* block) override { on_.unpin(block); }
  math::Stream make_stream() override { return on_.make_stream(); }
  math::Event make_event() override { return on_.make_event(); }
  void copy(math::Stream stream, void* to, const void* from, size_t bytes) override {
    on_.copy(stream, to, from, bytes);
  }
  void zero(math::Stream stream, void* block, size_t bytes) override {
    on_.zero(stream, block, bytes);
  }
  void record(math::Event event, math::Stream stream) override { on_.record(event, stream); }
  void wait(math::Stream stream, math::Event event) override { on_.wait(stream, event); }
  bool done(math::Event event) override { return on_.done(event); }
  void synchronize(math::Stream stream) override { on_.synchronize(stream); }
  void begin_capture(math::Stream stream) override { on_.begin_capture(stream); }
  math::Graph end_capture(math::Stream stream) override { return on_.end_capture(stream); }
  void destroy(math::Graph graph) override { on_.destroy(graph); }
  void* scratch(size_t bytes) override { return on_.scratch(bytes); }
  uint64_t scratch_generation() const override { return on_.scratch_generation(); }

 private:
  math::Device& on_;
  EventClock clock_;
  size_t launches_ = 0;
};

}  // namespace cairn::gpu
