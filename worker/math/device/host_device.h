// A Device whose work the host does. In `kAtOnce` order work happens when it is given. In
// `kAnyOrder` it happens late, when somebody waits for it, and streams take turns as a seed draws
// them. Every order that the events allow may come, so code that forgot an event computes something
// else.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "worker/math/device/device.h"

namespace cairn::math {

class HostDevice final : public Device {
 public:
  enum class Order { kAtOnce, kAnyOrder };

  // Becomes the device of the calling thread.
  explicit HostDevice(Order order, uint64_t seed = 0);
  ~HostDevice() override;
  // The last one that the thread made; where it made none, one of its own in `kAtOnce` order.
  static HostDevice& of_this_thread();

  void* allocate(size_t bytes) override;
  void free(void* block, size_t bytes) override;
  void read(void* host, const void* here, size_t bytes) override;
  void write(void* here, const void* host, size_t bytes) override;
  bool is_host() const override { return false; }
  void* allocate_staging(size_t bytes) override { return allocate(bytes); }
  void free_staging(void* block, size_t bytes) override { free(block, bytes); }

  Stream make_stream() override;
  Event make_event() override;
  void copy(Stream stream, void* to, const void* from, size_t bytes) override;
  void zero(Stream stream, void* block, size_t bytes) override;
  void record(Event event, Stream stream) override;
  void wait(Stream stream, Event event) override;
  bool done(Event event) override;
  void synchronize(Stream stream) override;
  void begin_capture(Stream stream) override;
  Graph end_capture(Stream stream) override;
  void launch(Graph graph, Stream stream) override;
  void destroy(Graph graph) override;
  void* scratch(size_t bytes) override;
  uint64_t scratch_generation() const override { return scratch_generation_; }

  // Gives work to the current stream.
  void run(std::function<void()> work) { give(stream(), std::move(work)); }
  void give(Stream stream, std::function<void()> work);
  void finish_all();

  size_t allocated_bytes() const { return allocated_; }
  size_t allocations() const { return allocations_; }
  size_t captured() const { return captures_; }  // graphs made so far

 private:
  bool step();  // does one piece of any stream that can go on; false where none can

  Order order_;
  std::mt19937_64 random_;
  HostDevice* before_;
  std::deque<std::unique_ptr<StreamHandle>> streams_;
  std::deque<std::unique_ptr<EventHandle>> events_;
  std::deque<std::unique_ptr<GraphHandle>> graphs_;
  StreamHandle* capturing_ = nullptr;
  std::vector<std::byte> scratch_;
  uint64_t scratch_generation_ = 0;
  size_t allocated_ = 0, allocations_ = 0, captures_ = 0;
};

}  // namespace cairn::math
