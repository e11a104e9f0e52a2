// The operations on a GPU, as a job asks for them.
#include "worker/math/device/cuda_device.h"
#include "worker/math/device/gpu.h"
#include "worker/math/ops/cuda/cuda_kernels.h"
#include "worker/math/ops/cuda/matmul.h"
#include "worker/math/ops/ops.h"

namespace cairn::math {
namespace {

template <auto Function>
struct InTf32;
template <typename... Arguments, void (*Function)(Arguments...)>
struct InTf32<Function> {
  static void call(Arguments... arguments) {
    const cuda::Tf32Scope scope;
    Function(arguments...);
  }
};

Ops table_in_tf32() {
  Ops ops = cuda::table();
  ops.matmul = InTf32<cuda::matmul>::call;
  ops.linear_forward = InTf32<cuda::linear_forward>::call;
  ops.linear_backward = InTf32<cuda::linear_backward>::call;
  ops.cross_forward = InTf32<cuda::cross_forward>::call;
  ops.cross_backward = InTf32<cuda::cross_backward>::call;
  return ops;
}

}  // namespace

Result<const Ops*> cuda_ops(bool tf32) {
  const Result<int> devices = CudaDevice::count();
  if (!devices.ok()) return devices.error();
  static const Ops in_tf32 = table_in_tf32();
  return tf32 ? &in_tf32 : &cuda::table();
}

Result<uint32_t> gpu_count() {
  const Result<int> devices = CudaDevice::count();
  if (!devices.ok()) return devices.error();
  return static_cast<uint32_t>(devices.value());
}

Result<Gpu> open_gpu(uint32_t number) {
  const Result<CudaDevice*> device = CudaDevice::open(static_cast<int>(number));
  if (!device.ok()) return device.error();
  return Gpu{device.value(), device.value()->bus_id()};
}

}  // namespace cairn::math
