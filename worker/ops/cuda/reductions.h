// Sums of everything, of terms that another loop would have made anyway.
#pragma once

#include "worker/ops/cuda/launch.h"

namespace cairn::CAIRN_KERNELS {

inline constexpr size_t kSummedAtOnce = 64;

// Doubles of scratch that `sum_all` wants.
inline size_t sum_scratch(size_t count) { return (count + kSummedAtOnce - 1) / kSummedAtOnce; }

// finish(sum over i of term(i)), in double: parts of kSummedAtOnce in the order of `reduce_rows`,
// then the parts in it.
template <typename Term, typename Finish>
void sum_all(size_t count, double* scratch, Term term, Finish finish) {
  const size_t parts = sum_scratch(count);
  reduce_rows<1>(
      parts, kSummedAtOnce,
      [=] CAIRN_BODY(size_t part, size_t i, double* sums) {
        const size_t at = part * kSummedAtOnce + i;
        if (at < count) sums[0] += term(at);
      },
      [=] CAIRN_BODY(size_t part, const double* sums) { scratch[part] = sums[0]; });
  reduce_rows<1>(
      1, parts, [=] CAIRN_BODY(size_t, size_t part, double* sums) { sums[0] += scratch[part]; },
      [=] CAIRN_BODY(size_t, const double* sums) { finish(sums[0]); });
}

}  // namespace cairn::CAIRN_KERNELS
