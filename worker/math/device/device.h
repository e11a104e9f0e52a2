// A device that computes beside the host: memory, and streams of work that go on while the host
// does something else. Two versions: CudaDevice (worker/math/device/cuda_device.cu), and HostDevice
// (worker/math/device/host_device.h), which does the same work on the host in an order drawn from a
// seed, so that a missing wait shows in a test.
//
// Work given to one stream happens in the order given; between streams only events make an order.
// Running out of memory and failures of the device end the process with the device's message: a
// half-done step is worth nothing, and the job goes back to its checkpoint. Thread safety: none; a
// device belongs to the thread that made it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "worker/math/tensor/memory.h"

namespace cairn::math {

using Stream = struct StreamHandle*;
using Event = struct EventHandle*;
using Graph = struct GraphHandle*;

class Device : public Memory {
 public:
  // They live as long as the device.
  virtual Stream make_stream() = 0;
  virtual Event make_event() = 0;

  // Each side is memory of this device or staging memory; it must stay until the copy has happened.
  virtual void copy(Stream stream, void* to, const void* from, size_t bytes) = 0;
  virtual void zero(Stream stream, void* block, size_t bytes) = 0;

  virtual void record(Event event, Stream stream) = 0;
  // Work that `stream` is given from now on waits for the work that `event` recorded last.
  virtual void wait(Stream stream, Event event) = 0;
  virtual bool done(Event event) = 0;  // whether the work that it recorded last is; does not block
  virtual void synchronize(Stream stream) = 0;

  // Work that `stream` is given between these two is not done but kept as given, with its sizes,
  // addresses and values. `launch` does it, as often as it is called.
  virtual void begin_capture(Stream stream) = 0;
  virtual Graph end_capture(Stream stream) = 0;
  virtual void launch(Graph graph, Stream stream) = 0;
  virtual void destroy(Graph graph) = 0;

  // At least `bytes` of device memory for one operation; the next operation of the same stream may
  // take the same memory. It grows with the largest; graphs made before it grew are void.
  virtual void* scratch(size_t bytes) = 0;
  virtual uint64_t scratch_generation() const = 0;

  // The stream that operations are given to.
  Stream stream() const { return stream_; }
  void set_stream(Stream stream) { stream_ = stream; }

 private:
  Stream stream_ = nullptr;
};

}  // namespace cairn::math
