#include <cuda_runtime.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include "common/check.h"
#include "worker/math/device/cublas_lt.h"
#include "worker/math/device/cuda_device.h"

namespace cairn::math {
namespace {

thread_local std::unique_ptr<CudaDevice> current;
bool managed_memory = false;
std::atomic<uint64_t> devices_opened = 0;

void must(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  check(false, std::string("CUDA: ") + what + ": " + cudaGetErrorString(error));
}

Error unavailable(const std::string& why) { return {ErrorCode::kUnavailable, why}; }

cudaStream_t to_cuda(Stream stream) { return reinterpret_cast<cudaStream_t>(stream); }
cudaEvent_t to_cuda(Event event) { return reinterpret_cast<cudaEvent_t>(event); }
cudaGraphExec_t to_cuda(Graph graph) { return reinterpret_cast<cudaGraphExec_t>(graph); }

}  // namespace

struct CudaDevice::State {
  int index = 0;
  uint64_t number = 0;
  size_t multiprocessors = 1;
  bool managed = false, blocking = false;
  bool capturing = false;
  cublasLtHandle_t cublas = nullptr;
  std::vector<cudaStream_t> streams;
  std::vector<cudaEvent_t> events;
  std::vector<cudaGraphExec_t> graphs;
  void* scratch = nullptr;
  size_t scratch_bytes = 0;
  uint64_t scratch_generation = 0;
  size_t allocated = 0, allocations = 0;
  void* workspace = nullptr;

  // For all that this device was given. Never for the whole GPU: another worker of this process may
  // share it, and be keeping a graph.
  void wait() const {
    for (cudaStream_t stream : streams) must(cudaStreamSynchronize(stream), "work on a stream");
  }
};

Result<int> CudaDevice::count() {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess || count == 0) {
    (void)cudaGetLastError();
    int driver = 0;
    const bool no_driver = cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0;
    (void)cudaGetLastError();
    return unavailable("no CUDA device found" +
                       (error == cudaSuccess || error == cudaErrorNoDevice || no_driver
                            ? std::string()
                            : std::string(": ") + cudaGetErrorString(error)));
  }
  return count;
}

Result<CudaDevice*> CudaDevice::open(int index) {
  const Result<int> devices = count();
  if (!devices.ok()) return devices.error();
  if (index < 0 || index >= devices.value())
    return unavailable("there is no CUDA device " + std::to_string(index) + ", of " +
                       std::to_string(devices.value()));
  if (current && current->index() == index) return current.get();
  current.reset();
  if (const cudaError_t error = cudaSetDevice(index); error != cudaSuccess)
    return unavailable("CUDA device " + std::to_string(index) + ": " + cudaGetErrorString(error));
  auto state = std::make_unique<State>();
  state->index = index;
  state->number = ++devices_opened;
  state->managed = managed_memory;
  int processors = 0;
  cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, index);
  state->multiprocessors = static_cast<size_t>(std::max(processors, 1));
  const Result<const CublasLt*> products = load_cublas_lt();
  if (!products.ok()) return products.error();
  if (const cublasStatus_t status = lt().Create(&state->cublas); status != CUBLAS_STATUS_SUCCESS)
    return unavailable("cuBLASLt does not start: " + std::string(lt().GetStatusString(status)));
  current.reset(new CudaDevice(std::move(state)));
  return current.get();
}

CudaDevice& CudaDevice::of_this_thread() {
  if (!current) {
    const Result<CudaDevice*> opened = open(0);
    check(opened.ok(), opened.ok() ? "" : opened.error().message);
  }
  return *current;
}

CudaDevice::CudaDevice(std::unique_ptr<State> state) : state_(std::move(state)) {
  set_stream(make_stream());
}

CudaDevice::~CudaDevice() {
  (void)cudaSetDevice(state_->index);
  for (cudaStream_t stream : state_->streams) (void)cudaStreamSynchronize(stream);
  for (cudaGraphExec_t graph : state_->graphs) (void)cudaGraphExecDestroy(graph);
  for (cudaEvent_t event : state_->events) (void)cudaEventDestroy(event);
  for (cudaStream_t stream : state_->streams) (void)cudaStreamDestroy(stream);
  for (void* block : {state_->scratch, state_->workspace})
    if (block != nullptr) (void)cudaFree(block);
  (void)lt().Destroy(state_->cublas);
}

void* CudaDevice::allocate(size_t bytes) {
  void* block = nullptr;
  const cudaError_t error =
      state_->managed ? cudaMallocManaged(&block, bytes) : cudaMalloc(&block, bytes);
  if (error != cudaSuccess)
    check(false,
          "CUDA: no memory for " + std::to_string(bytes) + " bytes: " + cudaGetErrorString(error));
  ++state_->allocations;
  state_->allocated += bytes;
  return block;
}

void CudaDevice::free(void* block, size_t bytes) {
  must(cudaFree(block), "free");
  state_->allocated -= bytes;
}

void* CudaDevice::allocate_staging(size_t bytes) {
  void* block = nullptr;
  const cudaError_t error = cudaMallocHost(&block, bytes);
  if (error != cudaSuccess)
    check(false, "CUDA: no pinned memory for " + std::to_string(bytes) +
                     " bytes: " + cudaGetErrorString(error));
  return block;
}

void CudaDevice::free_staging(void* block, size_t) { must(cudaFreeHost(block), "free pinned"); }

void CudaDevice::pin(void* block, size_t bytes) {
  // A refusal, by a limit on locked memory say, costs speed alone.
  if (cudaHostRegister(block, bytes, cudaHostRegisterDefault) != cudaSuccess)
    (void)cudaGetLastError();
}

void CudaDevice::unpin(void* block) {
  const cudaError_t error = cudaHostUnregister(block);
  if (error != cudaErrorHostMemoryNotRegistered) must(error, "unpin memory");
  (void)cudaGetLastError();
}

void CudaDevice::read(void* host, const void* here, size_t bytes) {
  copy(stream(), host, here, bytes);
  synchronize(stream());
}

void CudaDevice::write(void* here, const void* host, size_t bytes) {
  copy(stream(), here, host, bytes);
  synchronize(stream());
}

Stream CudaDevice::make_stream() {
  cudaStream_t stream = nullptr;
  must(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "make a stream");
  state_->streams.push_back(stream);
  return reinterpret_cast<Stream>(stream);
}

Event CudaDevice::make_event() {
  cudaEvent_t event = nullptr;
  must(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "make an event");
  state_->events.push_back(event);
  return reinterpret_cast<Event>(event);
}

void CudaDevice::copy(Stream stream, void* to, const void* from, size_t bytes) {
  if (bytes > 0) must(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, to_cuda(stream)), "copy");
  launched();
}

void CudaDevice::zero(Stream stream, void* block, size_t bytes) {
  if (bytes > 0) must(cudaMemsetAsync(block, 0, bytes, to_cuda(stream)), "zero");
  launched();
}

void CudaDevice::record(Event event, Stream stream) {
  must(cudaEventRecord(to_cuda(event), to_cuda(stream)), "record an event");
}

void CudaDevice::wait(Stream stream, Event event) {
  must(cudaStreamWaitEvent(to_cuda(stream), to_cuda(event), 0), "wait for an event");
}

bool CudaDevice::done(Event event) {
  const cudaError_t error = cudaEventQuery(to_cuda(event));
  if (error == cudaErrorNotReady) {
    (void)cudaGetLastError();  // else the next launch would seem to have failed
    return false;
  }
  must(error, "work before an event");
  return true;
}

void CudaDevice::synchronize(Stream stream) {
  must(cudaStreamSynchronize(to_cuda(stream)), "work on a stream");
}

void CudaDevice::begin_capture(Stream stream) {
  must(cudaStreamBeginCapture(to_cuda(stream), cudaStreamCaptureModeThreadLocal), "begin a graph");
  state_->capturing = true;
}

Graph CudaDevice::end_capture(Stream stream) {
  cudaGraph_t graph = nullptr;
  state_->capturing = false;
  must(cudaStreamEndCapture(to_cuda(stream), &graph), "end a graph");
  cudaGraphExec_t made = nullptr;
  must(cudaGraphInstantiate(&made, graph, 0), "make a graph");
  must(cudaGraphDestroy(graph), "drop a graph's plan");
  state_->graphs.push_back(made);
  return reinterpret_cast<Graph>(made);
}

void CudaDevice::launch(Graph graph, Stream stream) {
  must(cudaGraphLaunch(to_cuda(graph), to_cuda(stream)), "launch a graph");
}

void CudaDevice::destroy(Graph graph) {
  state_->wait();
  must(cudaGraphExecDestroy(to_cuda(graph)), "drop a graph");
  std::erase(state_->graphs, to_cuda(graph));
}

void* CudaDevice::scratch(size_t bytes) {
  if (bytes > state_->scratch_bytes) {
    check(!state_->capturing, "scratch memory grows within a graph");
    if (state_->scratch != nullptr) {
      state_->wait();
      free(state_->scratch, state_->scratch_bytes);
    }
    state_->scratch_bytes = std::max(bytes, 2 * state_->scratch_bytes);
    state_->scratch = allocate(state_->scratch_bytes);
    ++state_->scratch_generation;
  }
  return state_->scratch;
}

void* CudaDevice::workspace(size_t bytes) {
  if (state_->workspace == nullptr) state_->workspace = allocate(bytes);
  return state_->workspace;
}

uint64_t CudaDevice::scratch_generation() const { return state_->scratch_generation; }
int CudaDevice::index() const { return state_->index; }
std::string CudaDevice::bus_id() const {
  char id[32] = {};
  must(cudaDeviceGetPCIBusId(id, sizeof id, state_->index), "ask for a bus id");
  return id;
}
uint64_t CudaDevice::number() const { return state_->number; }
cublasLtContext* CudaDevice::cublas() const {
  return reinterpret_cast<cublasLtContext*>(state_->cublas);
}
size_t CudaDevice::multiprocessors() const { return state_->multiprocessors; }
size_t CudaDevice::allocated_bytes() const { return state_->allocated; }
size_t CudaDevice::allocations() const { return state_->allocations; }

void CudaDevice::launched() {
  must(cudaGetLastError(), "launch a kernel");
  if (state_->blocking && !state_->capturing) state_->wait();
}

void CudaDevice::set_blocking(bool blocking) { state_->blocking = blocking; }
void CudaDevice::use_managed_memory(bool managed) { managed_memory = managed; }

}  // namespace cairn::math
