// The ways to run a body (worker/math/ops/cuda/launch.h) on the host.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "worker/math/device/host_device.h"

#define CAIRN_BODY
#define CAIRN_DEVICE inline  // for functions that only bodies call
#define CAIRN_INLINE inline
#define CAIRN_UNROLL _Pragma("GCC unroll 4")  // for a loop whose loads may go ahead of its sum
#define CAIRN_KERNELS cuda_on_host            // the namespace of everything in this folder
#define CAIRN_KERNELS_NAME "cuda_on_host"

namespace cairn::math::CAIRN_KERNELS {

inline constexpr size_t kRowsOfABlock = 64, kColumnLanes = 8;

// The device of the calling thread.
inline Device& device() { return HostDevice::of_this_thread(); }

template <typename Work>
void run(Work work) {
  HostDevice::of_this_thread().run(work);
}

// In an order that no body may depend on: from the middle outwards.
template <typename Body>
void in_some_order(size_t count, const Body& body) {
  const size_t middle = count / 2;
  for (size_t i = 0; i < count; ++i) body(i < middle ? middle - 1 - i : i);
}

template <typename Body>
void for_each(size_t count, Body body) {
  run([=] { in_some_order(count, body); });
}

template <typename Body>
void for_each_element(size_t rows, size_t cols, Body body) {
  run([=] {
    in_some_order(rows, [&](size_t r) { in_some_order(cols, [&](size_t c) { body(r, c); }); });
  });
}

template <int N, typename Term>
void sum_row(size_t r, size_t cols, double (&sums)[N], const Term& term) {
  constexpr size_t kLanes = 32;
  double partial[kLanes][N] = {};
  for (size_t c = 0; c < cols; ++c) term(r, c, partial[c % kLanes]);
  for (size_t half = kLanes / 2; half > 0; half /= 2)
    for (size_t lane = 0; lane < half; ++lane)
      for (int n = 0; n < N; ++n) partial[lane][n] += partial[lane + half][n];
  for (int n = 0; n < N; ++n) sums[n] = partial[0][n];
}

template <int N, typename Term, typename Finish>
void reduce_rows(size_t rows, size_t cols, Term term, Finish finish) {
  run([=] {
    in_some_order(rows, [&](size_t r) {
      double sums[N];
      sum_row<N>(r, cols, sums, term);
      finish(r, sums);
    });
  });
}

template <int N, typename Term, typename Finish, typename Body>
void map_rows(size_t rows, size_t cols, Term term, Finish finish, Body body) {
  run([=] {
    in_some_order(rows, [&](size_t r) {
      double sums[N];
      sum_row<N>(r, cols, sums, term);
      finish(r, sums);
      in_some_order(cols, [&](size_t c) { body(r, c, sums); });
    });
  });
}

// Item i goes into partial sum i mod kColumnLanes; these are added by halves, as a block of a GPU's
// threads does it.
template <int N, typename Item>
void sum_in_lanes(size_t first, size_t last, float (&sums)[N], const Item& item) {
  float lanes[kColumnLanes][N] = {};
  for (size_t i = first; i < last; ++i) item(i, lanes[(i - first) % kColumnLanes]);
  for (size_t half = kColumnLanes / 2; half > 0; half /= 2)
    for (size_t lane = 0; lane < half; ++lane)
      for (int n = 0; n < N; ++n) lanes[lane][n] += lanes[lane + half][n];
  for (int n = 0; n < N; ++n) sums[n] = lanes[0][n];
}

template <int N>
void* scratch_beside_columns(size_t, size_t, size_t bytes) {
  return device().scratch(bytes);
}

template <int N, typename Term, typename Finish>
void reduce_columns(size_t rows, size_t cols, Term term, Finish finish) {
  run([=] {
    const size_t blocks = (rows + kRowsOfABlock - 1) / kRowsOfABlock;
    in_some_order(cols, [&](size_t c) {
      float sums[N];
      sum_in_lanes<N>(0, blocks, sums, [&](size_t b, float(&to)[N]) {
        float partial[N];
        sum_in_lanes<N>(b * kRowsOfABlock, std::min(rows, (b + 1) * kRowsOfABlock), partial,
                        [&](size_t r, float(&terms)[N]) { term(r, c, terms); });
        for (int n = 0; n < N; ++n) to[n] += partial[n];
      });
      finish(c, sums);
    });
  });
}

}  // namespace cairn::math::CAIRN_KERNELS
