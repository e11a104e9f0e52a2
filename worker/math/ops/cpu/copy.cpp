#include <algorithm>
#include <cstring>

#include "common/simd.h"
#include "worker/math/ops/cpu/cpu.h"

namespace cairn::math::cpu {
namespace {

CAIRN_SIMD void add_row(const float* __restrict x, float* __restrict y, size_t count) {
  for (size_t i = 0; i < count; ++i) y[i] += x[i];
}

CAIRN_SIMD void add_scaled_row(const float* __restrict x, float factor, float* __restrict y,
                               size_t count) {
  for (size_t i = 0; i < count; ++i) y[i] += factor * x[i];
}

}  // namespace

void fill(Matrix y, float value) {
  for (size_t r = 0; r < y.rows; ++r) std::fill_n(y.row(r), y.cols, value);
}

void scale(Matrix y, float factor) {
  for (size_t r = 0; r < y.rows; ++r)
    for (size_t i = 0; i < y.cols; ++i) y.row(r)[i] *= factor;
}

void add_scaled(ConstMatrix x, float factor, Matrix y) {
  check(x.rows == y.rows && x.cols == y.cols, "add scaled: shapes differ");
  for (size_t r = 0; r < y.rows; ++r) add_scaled_row(x.row(r), factor, y.row(r), y.cols);
}

void zero(Matrix y) {
  for (size_t r = 0; r < y.rows; ++r) std::memset(y.row(r), 0, y.cols * sizeof(float));
}

void copy(ConstMatrix x, const Gradient& y) {
  check(x.rows == y.into.rows && x.cols == y.into.cols, "copy: shapes differ");
  for (size_t r = 0; r < x.rows; ++r) {
    if (y.adds()) {
      add_row(x.row(r), y.into.row(r), x.cols);
    } else {
      std::memcpy(y.into.row(r), x.row(r), x.cols * sizeof(float));
    }
  }
}

void move_rows(std::span<const RowMove> moves, Matrix y) {
  constexpr size_t kAhead = 8;  // rows that are moved to may be anywhere
  for (size_t i = 0; i < moves.size(); ++i) {
    if (i + kAhead < moves.size()) __builtin_prefetch(y.row(moves[i + kAhead].to), 1);
    std::memcpy(y.row(moves[i].to), y.row(moves[i].from), y.cols * sizeof(float));
  }
}

}  // namespace cairn::math::cpu
