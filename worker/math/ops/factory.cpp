#include <string>

#include "worker/math/ops/ops.h"

namespace cairn::math {

Result<const Ops*> ops_of_device(std::string_view device, Precision precision) {
  if (device == "cpu") return &cpu_ops();
  if (device == "cuda") return cuda_ops(precision == Precision::kTf32);
  return Error{ErrorCode::kInvalidArgument,
               "device: unknown '" + std::string(device) + "'; known: cpu, cuda"};
}

}  // namespace cairn::math
