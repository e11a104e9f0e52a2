// Linked where the build has no CUDA.
#include "worker/math/device/gpu.h"
#include "worker/math/ops/ops.h"

namespace cairn::math {
namespace {

const Error kAbsent{ErrorCode::kUnavailable, "device: cuda is not in this build"};

}  // namespace

Result<const Ops*> cuda_ops(bool) { return kAbsent; }
// The job asks for what no machine can give it here.
Result<uint32_t> gpu_count() { return Error{ErrorCode::kInvalidArgument, kAbsent.message}; }
Result<Gpu> open_gpu(uint32_t) { return kAbsent; }

}  // namespace cairn::math
