#include "tests/worker/math/ops/backends.h"
#include "tests/worker/math/ops/test_memory.h"
#include "worker/math/device/cuda_device.h"

namespace cairn::math {

const Ops* gpu_backend() {
  if (!CudaDevice::count().ok()) return nullptr;
  CudaDevice::use_managed_memory(true);
  CudaDevice::of_this_thread().set_blocking(true);
  TestMemory::get() = {
      .allocate = [](size_t bytes) { return CudaDevice::of_this_thread().allocate(bytes); },
      .free = [](void* block, size_t bytes) { CudaDevice::of_this_thread().free(block, bytes); }};
  return cuda_ops().value();
}

}  // namespace cairn::math
