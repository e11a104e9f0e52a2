// A Device that is a GPU. There is one per worker thread, which computes on it; several may share a
// GPU.
#pragma once

#include <memory>
#include <string>

#include "common/result.h"
#include "worker/math/device/device.h"

// As in cuda_runtime.h and cublasLt.h, which only nvcc's sources include.
struct CUstream_st;
struct cublasLtContext;

namespace cairn::math {

class CudaDevice final : public Device {
 public:
  // Opens GPU `index` of those that the process sees, and makes it the calling thread's: from then
  // on `of_this_thread` is it. Errors: kUnavailable where no CUDA device is found, or it refuses.
  static Result<CudaDevice*> open(int index);
  static Result<int> count();
  // Opens GPU 0 where the thread has opened none.
  static CudaDevice& of_this_thread();

  ~CudaDevice() override;

  void* allocate(size_t bytes) override;
  void free(void* block, size_t bytes) override;
  void read(void* host, const void* here, size_t bytes) override;
  void write(void* here, const void* host, size_t bytes) override;
  bool is_host() const override { return false; }
  void* allocate_staging(size_t bytes) override;
  void free_staging(void* block, size_t bytes) override;
  void pin(void* block, size_t bytes) override;
  void unpin(void* block) override;

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
  uint64_t scratch_generation() const override;

  int index() const;
  std::string bus_id() const;
  uint64_t number() const;  // from 1, in the order in which this process opened devices
  CUstream_st* cuda_stream() const { return reinterpret_cast<CUstream_st*>(stream()); }
  cublasLtContext* cublas() const;
  size_t multiprocessors() const;
  void* workspace(size_t bytes);  // for products; made once, so always ask for the same size
  // To be called after each kernel: a failed launch ends the process. It waits where `blocking`.
  void launched();

  // For tests: every kernel is waited for, and numbers stand where the host can read them too.
  void set_blocking(bool blocking);
  static void use_managed_memory(bool managed);  // for devices opened from now on

  size_t allocated_bytes() const;
  size_t allocations() const;

 private:
  struct State;
  explicit CudaDevice(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace cairn::math
