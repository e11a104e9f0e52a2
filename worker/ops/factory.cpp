#include <string>

#include "worker/ops/ops.h"

namespace cairn {

Result<const Ops*> ops_of_device(std::string_view device) {
  if (device == "cpu") return &cpu_ops();
  if (device == "cuda") return cuda_ops();
  return Error{ErrorCode::kInvalidArgument,
               "device: unknown '" + std::string(device) + "'; known: cpu, cuda"};
}

}  // namespace cairn
