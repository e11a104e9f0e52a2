// The ways to run a body (worker/math/ops/cuda/launch.h) on a GPU.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "worker/math/device/cuda_device.h"

#define CAIRN_BODY __device__
#define CAIRN_DEVICE __device__ inline  // for functions that only bodies call
#define CAIRN_INLINE __host__ __device__ inline
#define CAIRN_UNROLL _Pragma("unroll 4")  // for a loop whose loads may go ahead of its sum
#define CAIRN_KERNELS cuda                // the namespace of everything in this folder
#define CAIRN_KERNELS_NAME "cuda"

namespace cairn::math::CAIRN_KERNELS {

inline constexpr size_t kRowsOfABlock = 64;
inline constexpr unsigned kThreads = 256;  // per block
inline constexpr unsigned kLanes = 32;     // per warp
inline constexpr unsigned kColumnLanes = kThreads / kLanes;

// The device of the calling thread.
inline CudaDevice& device() { return CudaDevice::of_this_thread(); }

// Enough blocks for every index, or to fill the device several times over.
inline unsigned blocks_for(size_t wanted) {
  return static_cast<unsigned>(
      std::min<size_t>(std::max<size_t>(wanted, 1), device().multiprocessors() * size_t{32}));
}

template <typename Body>
__global__ void __launch_bounds__(kThreads) for_each_kernel(size_t count, Body body) {
  const size_t stride = size_t{gridDim.x} * blockDim.x;
  for (size_t i = size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += stride) body(i);
}

template <typename Body>
void for_each(size_t count, Body body) {
  if (count == 0) return;
  const unsigned blocks = blocks_for((count + kThreads - 1) / kThreads);
  for_each_kernel<<<blocks, kThreads, 0, device().cuda_stream()>>>(count, body);
  device().launched();
}

// A block's x runs along a row, so that neighbours read neighbours.
template <typename Body>
__global__ void __launch_bounds__(kThreads)
    for_each_element_kernel(size_t rows, size_t cols, Body body) {
  for (size_t r = size_t{blockIdx.x} * blockDim.y + threadIdx.y; r < rows;
       r += size_t{gridDim.x} * blockDim.y)
    for (size_t c = size_t{blockIdx.y} * blockDim.x + threadIdx.x; c < cols;
         c += size_t{gridDim.y} * blockDim.x)
      body(r, c);
}

inline dim3 threads_for(size_t cols) {
  unsigned x = 1;
  while (x < cols && x < kThreads) x *= 2;
  return dim3(x, kThreads / x);
}

template <typename Body>
void for_each_element(size_t rows, size_t cols, Body body) {
  if (rows == 0 || cols == 0) return;
  const dim3 threads = threads_for(cols);
  const unsigned blocks = blocks_for((rows + threads.y - 1) / threads.y);
  // Few long rows are cut, so that they too fill the device.
  const size_t pieces = std::min<size_t>((cols + threads.x - 1) / threads.x,
                                         std::max<size_t>(blocks_for(SIZE_MAX) / blocks, 1));
  const dim3 grid(blocks, static_cast<unsigned>(std::min<size_t>(pieces, 65'535)));
  for_each_element_kernel<<<grid, threads, 0, device().cuda_stream()>>>(rows, cols, body);
  device().launched();
}

// One warp per row. Lanes are added by halves, crosswise: each lane adds the same two numbers as
// its partner, so that all have the same bits.
template <int N, typename Term>
__device__ void sum_row(size_t r, size_t cols, double (&sums)[N], Term term) {
  for (int n = 0; n < N; ++n) sums[n] = 0.0;
  for (size_t c = threadIdx.x % kLanes; c < cols; c += kLanes) term(r, c, sums);
  for (unsigned half = kLanes / 2; half > 0; half /= 2)
    for (int n = 0; n < N; ++n) sums[n] += __shfl_xor_sync(0xffffffffu, sums[n], half);
}

template <int N, typename Term, typename Finish>
__global__ void __launch_bounds__(kThreads)
    reduce_rows_kernel(size_t rows, size_t cols, Term term, Finish finish) {
  constexpr size_t kWarps = kThreads / kLanes;
  for (size_t r = blockIdx.x * kWarps + threadIdx.x / kLanes; r < rows; r += gridDim.x * kWarps) {
    double sums[N];
    sum_row<N>(r, cols, sums, term);
    if (threadIdx.x % kLanes == 0) finish(r, sums);
  }
}

template <int N, typename Term, typename Finish, typename Body>
__global__ void __launch_bounds__(kThreads)
    map_rows_kernel(size_t rows, size_t cols, Term term, Finish finish, Body body) {
  constexpr size_t kWarps = kThreads / kLanes;
  for (size_t r = blockIdx.x * kWarps + threadIdx.x / kLanes; r < rows; r += gridDim.x * kWarps) {
    double sums[N];
    sum_row<N>(r, cols, sums, term);
    finish(r, sums);
    for (size_t c = threadIdx.x % kLanes; c < cols; c += kLanes) body(r, c, sums);
  }
}

template <int N, typename Term, typename Finish>
void reduce_rows(size_t rows, size_t cols, Term term, Finish finish) {
  if (rows == 0) return;
  constexpr size_t kWarps = kThreads / kLanes;
  const unsigned blocks = blocks_for((rows + kWarps - 1) / kWarps);
  reduce_rows_kernel<N><<<blocks, kThreads, 0, device().cuda_stream()>>>(rows, cols, term, finish);
  device().launched();
}

template <int N, typename Term, typename Finish, typename Body>
void map_rows(size_t rows, size_t cols, Term term, Finish finish, Body body) {
  if (rows == 0 || cols == 0) return;
  constexpr size_t kWarps = kThreads / kLanes;
  const unsigned blocks = blocks_for((rows + kWarps - 1) / kWarps);
  map_rows_kernel<N>
      <<<blocks, kThreads, 0, device().cuda_stream()>>>(rows, cols, term, finish, body);
  device().launched();
}

// Item i goes into partial sum i mod kColumnLanes; these are added by halves. All threads of a
// block come here with one column each in x; the result is right where threadIdx.y is 0.
template <int N, typename Item>
__device__ void sum_in_lanes(size_t first, size_t last, bool inside, float (&sums)[N], Item item) {
  __shared__ float lanes[kColumnLanes][N][kLanes];
  for (int n = 0; n < N; ++n) sums[n] = 0.0f;
  if (inside)
    for (size_t i = first + threadIdx.y; i < last; i += kColumnLanes) item(i, sums);
  __syncthreads();  // the block's sums before these have been read
  for (int n = 0; n < N; ++n) lanes[threadIdx.y][n][threadIdx.x] = sums[n];
  for (unsigned half = kColumnLanes / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.y < half)
      for (int n = 0; n < N; ++n)
        lanes[threadIdx.y][n][threadIdx.x] += lanes[threadIdx.y + half][n][threadIdx.x];
  }
  if (threadIdx.y == 0)
    for (int n = 0; n < N; ++n) sums[n] = lanes[0][n][threadIdx.x];
}

template <int N, typename Term>
__global__ void __launch_bounds__(kThreads)
    column_blocks_kernel(size_t rows, size_t cols, float* partial, Term term) {
  const size_t blocks = (rows + kRowsOfABlock - 1) / kRowsOfABlock;
  const size_t tiles = (cols + kLanes - 1) / kLanes;
  for (size_t i = blockIdx.x; i < blocks * tiles; i += gridDim.x) {
    const size_t b = i / tiles, c = i % tiles * kLanes + threadIdx.x;
    float sums[N];
    sum_in_lanes<N>(b * kRowsOfABlock, min(rows, (b + 1) * kRowsOfABlock), c < cols, sums,
                    [&](size_t r, float(&to)[N]) { term(r, c, to); });
    if (threadIdx.y == 0 && c < cols)
      for (int n = 0; n < N; ++n) partial[(b * N + n) * cols + c] = sums[n];
  }
}

template <int N, typename Finish>
__global__ void __launch_bounds__(kThreads)
    column_sums_kernel(size_t blocks, size_t cols, const float* partial, Finish finish) {
  const size_t tiles = (cols + kLanes - 1) / kLanes;
  for (size_t i = blockIdx.x; i < tiles; i += gridDim.x) {
    const size_t c = i * kLanes + threadIdx.x;
    float sums[N];
    sum_in_lanes<N>(0, blocks, c < cols, sums, [&](size_t b, float(&to)[N]) {
      for (int n = 0; n < N; ++n) to[n] += partial[(b * N + n) * cols + c];
    });
    if (threadIdx.y == 0 && c < cols) finish(c, sums);
  }
}

inline size_t column_blocks(size_t rows) { return (rows + kRowsOfABlock - 1) / kRowsOfABlock; }

template <int N>
void* scratch_beside_columns(size_t rows, size_t cols, size_t bytes) {
  const size_t partial = (column_blocks(rows) * N * cols * sizeof(float) + 255) / 256 * 256;
  return static_cast<std::byte*>(device().scratch(partial + bytes)) + partial;
}

template <int N, typename Term, typename Finish>
void reduce_columns(size_t rows, size_t cols, Term term, Finish finish) {
  if (cols == 0) return;
  const size_t blocks = column_blocks(rows);
  const size_t tiles = (cols + kLanes - 1) / kLanes;
  const dim3 threads(kLanes, kColumnLanes);
  auto* partial = static_cast<float*>(device().scratch(blocks * N * cols * sizeof(float)));
  if (blocks > 0) {
    column_blocks_kernel<N><<<blocks_for(blocks * tiles), threads, 0, device().cuda_stream()>>>(
        rows, cols, partial, term);
    device().launched();
  }
  column_sums_kernel<N>
      <<<blocks_for(tiles), threads, 0, device().cuda_stream()>>>(blocks, cols, partial, finish);
  device().launched();
}

}  // namespace cairn::math::CAIRN_KERNELS
