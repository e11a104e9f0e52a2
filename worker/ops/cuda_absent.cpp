// Linked where the build has no CUDA.
#include "worker/ops/ops.h"

namespace cairn {

Result<const Ops*> cuda_ops() {
  return Error{ErrorCode::kUnavailable, "device: cuda is not in this build"};
}

}  // namespace cairn
