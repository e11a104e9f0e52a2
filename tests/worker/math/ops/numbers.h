// Random matrices, difference quotients and comparisons for tests of operations.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/random.h"
#include "tests/worker/math/ops/test_memory.h"
#include "worker/math/ops/gradient.h"
#include "worker/math/tensor/tensor.h"

namespace cairn::math {

// A matrix that owns its numbers. With `gap`, rows stand apart, and what lies between must not
// change.
class Numbers {
 public:
  Numbers(size_t rows, size_t cols, size_t gap = 0);  // NaN, so that what is not written shows
  static Numbers random(size_t rows, size_t cols, uint64_t place, size_t gap = 0);

  Matrix view() { return {data_.data(), rows_, cols_, cols_ + gap_}; }
  operator Matrix() { return view(); }
  operator ConstMatrix() { return view(); }
  float& at(size_t r, size_t c) { return view().row(r)[c]; }
  bool gaps_untouched() const;

 private:
  size_t rows_, cols_, gap_;
  TestVector<float> data_;
};

// Cuts `numbers` down to what bf16 can hold, and holds the same as bf16.
class RoundedNumbers {
 public:
  explicit RoundedNumbers(Numbers& numbers);
  operator ConstRoundedMatrix() const { return {data_.data(), rows_, cols_}; }

 private:
  size_t rows_, cols_;
  TestVector<Bfloat16> data_;
};

using Table = std::vector<std::vector<double>>;  // [rows][cols]

Table to_table(ConstMatrix m);

// sum of a * b
double dot(ConstMatrix a, ConstMatrix b);

// Central differences of `loss` in every element of `at`.
Table numeric_gradient(const std::function<double()>& loss, Matrix at, float step);
Table numeric_gradient(const std::function<double()>& loss, Table& at);  // in double

void expect_near(const std::string& what, ConstMatrix got, const Table& want,
                 double tolerance = 1e-5);

// Runs `backward` with a target that replaces, holding NaN before, and with one that adds to random
// numbers; both must leave `want`.
void expect_gradient(const std::string& what, const Table& want,
                     const std::function<void(const Gradient&)>& backward, double tolerance = 1e-5);

}  // namespace cairn::math
