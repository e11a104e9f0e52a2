#include "worker/collective/nccl_api.h"

#include <nccl.h>

#include <cstring>

#include "worker/math/device/lazy_library.h"

namespace cairn::collective {

namespace {

static_assert(sizeof(ncclUniqueId) == sizeof(NcclId));
static_assert(ncclSuccess == static_cast<int>(NcclResult::kSuccess));
static_assert(ncclInProgress == static_cast<int>(NcclResult::kInProgress));

// The functions of the library, once it is loaded.
struct Nccl {
  decltype(&ncclGetUniqueId) get_unique_id;
  decltype(&ncclCommInitRankConfig) comm_init_rank_config;
  decltype(&ncclCommGetAsyncError) comm_get_async_error;
  decltype(&ncclAllReduce) all_reduce;
  decltype(&ncclCommFinalize) comm_finalize;
  decltype(&ncclCommDestroy) comm_destroy;
  decltype(&ncclCommAbort) comm_abort;
  decltype(&ncclGetErrorString) get_error_string;
  decltype(&ncclGetLastError) get_last_error;
};
Nccl nccl;

// Empty where it was loaded.
std::string load() {
  math::LazyLibrary library({"libnccl.so.2", "libnccl.so"});
  library.find("ncclGetUniqueId", nccl.get_unique_id);
  library.find("ncclCommInitRankConfig", nccl.comm_init_rank_config);
  library.find("ncclCommGetAsyncError", nccl.comm_get_async_error);
  library.find("ncclAllReduce", nccl.all_reduce);
  library.find("ncclCommFinalize", nccl.comm_finalize);
  library.find("ncclCommDestroy", nccl.comm_destroy);
  library.find("ncclCommAbort", nccl.comm_abort);
  library.find("ncclGetErrorString", nccl.get_error_string);
  library.find("ncclGetLastError", nccl.get_last_error);
  return library.trouble();
}

ncclComm_t to_nccl(NcclCommunicator* communicator) {
  return reinterpret_cast<ncclComm_t>(communicator);
}
cudaStream_t to_cuda(math::Stream stream) { return reinterpret_cast<cudaStream_t>(stream); }
NcclResult from_nccl(ncclResult_t result) { return static_cast<NcclResult>(result); }

NcclResult make_id(NcclId& id) {
  ncclUniqueId made;
  const ncclResult_t result = nccl.get_unique_id(&made);
  std::memcpy(id.data(), made.internal, id.size());
  return from_nccl(result);
}

NcclResult init_rank(NcclCommunicator*& communicator, uint32_t ranks, const NcclId& id,
                     uint32_t rank) {
  ncclUniqueId shared;
  std::memcpy(shared.internal, id.data(), id.size());
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;  // a rank that never comes must not keep this one inside a call
  ncclComm_t made = nullptr;
  const ncclResult_t result = nccl.comm_init_rank_config(&made, static_cast<int>(ranks), shared,
                                                         static_cast<int>(rank), &config);
  communicator = reinterpret_cast<NcclCommunicator*>(made);
  return from_nccl(result);
}

NcclResult state(NcclCommunicator* communicator) {
  ncclResult_t now = ncclSuccess;
  const ncclResult_t asked = nccl.comm_get_async_error(to_nccl(communicator), &now);
  return from_nccl(asked == ncclSuccess ? now : asked);
}

NcclResult all_reduce(NcclCommunicator* communicator, float* values, size_t count,
                      math::Stream stream) {
  return from_nccl(nccl.all_reduce(values, values, count, ncclFloat32, ncclSum,
                                   to_nccl(communicator), to_cuda(stream)));
}

NcclResult finalize(NcclCommunicator* communicator) {
  return from_nccl(nccl.comm_finalize(to_nccl(communicator)));
}
NcclResult destroy(NcclCommunicator* communicator) {
  return from_nccl(nccl.comm_destroy(to_nccl(communicator)));
}
NcclResult abort(NcclCommunicator* communicator) {
  return from_nccl(nccl.comm_abort(to_nccl(communicator)));
}

std::string text(NcclResult result) {
  std::string text = nccl.get_error_string(static_cast<ncclResult_t>(result));
  const char* const last = nccl.get_last_error(nullptr);  // of any communicator; it takes none
  if (last != nullptr && *last != '\0') text += std::string(": ") + last;
  return text;
}

constexpr NcclApi kNccl = {make_id, init_rank, state, all_reduce, finalize, destroy, abort, text};

}  // namespace

Result<const NcclApi*> nccl_api() {
  static const std::string trouble = load();
  if (!trouble.empty()) return Error{ErrorCode::kUnavailable, "NCCL: " + trouble};
  return &kNccl;
}

}  // namespace cairn::collective
