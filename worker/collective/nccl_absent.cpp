#include "worker/collective/nccl_api.h"

namespace cairn::collective {

Result<const NcclApi*> nccl_api() {
  return Error{ErrorCode::kUnavailable, "NCCL is not in this build"};
}

}  // namespace cairn::collective
