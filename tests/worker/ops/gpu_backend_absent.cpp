// Linked where the build has no CUDA.
#include "tests/worker/ops/backends.h"

namespace cairn {

const Ops* gpu_backend() { return nullptr; }

}  // namespace cairn
