// Sums over all elements of something.
#pragma once

#include "worker/math/ops/cuda/launch.h"

namespace cairn::math::CAIRN_KERNELS {

// How many doubles of scratch `sum_all` wants.
template <int N, size_t kAtOnce>
size_t sum_scratch(size_t count) {
  return (count + kAtOnce - 1) / kAtOnce * N;
}

// N sums over all i: first within pieces of kAtOnce, then over the pieces, each in the order of
// `reduce_rows`. term(i, sums) adds to `sums`; then finish(sums), once. `partial` has sum_scratch
// doubles.
template <int N, size_t kAtOnce, typename Term, typename Finish>
void sum_all(size_t count, double* partial, Term term, Finish finish) {
  if (count <= kAtOnce) {
    reduce_rows<N>(
        1, count, [=] CAIRN_BODY(size_t, size_t i, double* sums) { term(i, sums); },
        [=] CAIRN_BODY(size_t, const double* sums) { finish(sums); });
    return;
  }
  const size_t pieces = (count + kAtOnce - 1) / kAtOnce;
  reduce_rows<N>(
      pieces, kAtOnce,
      [=] CAIRN_BODY(size_t p, size_t i, double* sums) {
        if (p * kAtOnce + i < count) term(p * kAtOnce + i, sums);
      },
      [=] CAIRN_BODY(size_t p, const double* sums) {
        for (int n = 0; n < N; ++n) partial[p * N + n] = sums[n];
      });
  reduce_rows<N>(
      1, pieces,
      [=] CAIRN_BODY(size_t, size_t p, double* sums) {
        for (int n = 0; n < N; ++n) sums[n] += partial[p * N + n];
      },
      [=] CAIRN_BODY(size_t, const double* sums) { finish(sums); });
}

}  // namespace cairn::math::CAIRN_KERNELS
