#include "tests/worker/math/ops/numbers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "tests/seed.h"

namespace cairn::math {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kBetween = 12345.0f;  // stands in the gaps between rows

}  // namespace

Numbers::Numbers(size_t rows, size_t cols, size_t gap)
    : rows_(rows), cols_(cols), gap_(gap), data_(rows * (cols + gap), kBetween) {
  for (size_t r = 0; r < rows; ++r) std::fill_n(view().row(r), cols, kNan);
}

Numbers Numbers::random(size_t rows, size_t cols, uint64_t place, size_t gap) {
  Numbers numbers(rows, cols, gap);
  RandomStream random(test_seed(), 1000, place);
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = 0; c < cols; ++c) numbers.at(r, c) = random.next_normal();
  return numbers;
}

bool Numbers::gaps_untouched() const {
  for (size_t r = 0; r < rows_; ++r)
    for (size_t i = cols_; i < cols_ + gap_; ++i)
      if (data_[r * (cols_ + gap_) + i] != kBetween) return false;
  return true;
}

RoundedNumbers::RoundedNumbers(Numbers& numbers)
    : rows_(numbers.view().rows), cols_(numbers.view().cols) {
  for (size_t r = 0; r < rows_; ++r) {
    for (size_t c = 0; c < cols_; ++c) {
      const auto upper = static_cast<uint16_t>(std::bit_cast<uint32_t>(numbers.at(r, c)) >> 16);
      data_.push_back({upper});
      numbers.at(r, c) = std::bit_cast<float>(uint32_t{upper} << 16);
    }
  }
}

Table to_table(ConstMatrix m) {
  Table table;
  for (size_t r = 0; r < m.rows; ++r) table.emplace_back(m.row(r), m.row(r) + m.cols);
  return table;
}

double dot(ConstMatrix a, ConstMatrix b) {
  double sum = 0;
  for (size_t r = 0; r < a.rows; ++r)
    for (size_t c = 0; c < a.cols; ++c) sum += double{a.row(r)[c]} * b.row(r)[c];
  return sum;
}

Table numeric_gradient(const std::function<double()>& loss, Matrix at, float step) {
  Table slopes = to_table(at);
  for (size_t r = 0; r < at.rows; ++r) {
    for (size_t c = 0; c < at.cols; ++c) {
      float& element = at.row(r)[c];
      const float kept = element, up = kept + step, down = kept - step;
      element = up;
      const double above = loss();
      element = down;
      const double below = loss();
      element = kept;
      slopes[r][c] = (above - below) / (double{up} - down);
    }
  }
  return slopes;
}

Table numeric_gradient(const std::function<double()>& loss, Table& at) {
  constexpr double kStep = 1e-5;
  Table slopes = at;
  for (size_t r = 0; r < at.size(); ++r) {
    for (size_t c = 0; c < at[r].size(); ++c) {
      const double kept = at[r][c];
      at[r][c] = kept + kStep;
      const double above = loss();
      at[r][c] = kept - kStep;
      const double below = loss();
      at[r][c] = kept;
      slopes[r][c] = (above - below) / (2 * kStep);
    }
  }
  return slopes;
}

void expect_near(const std::string& what, ConstMatrix got, const Table& want, double tolerance) {
  ASSERT_EQ(got.rows, want.size()) << what;
  double largest = 1.0;
  for (const auto& row : want)
    for (const double w : row) largest = std::max(largest, std::abs(w));
  for (size_t r = 0; r < got.rows; ++r) {
    ASSERT_EQ(got.cols, want[r].size()) << what;
    for (size_t c = 0; c < got.cols; ++c)
      EXPECT_NEAR(got.row(r)[c], want[r][c], tolerance * largest)
          << what << " [" << r << ", " << c << "]";
  }
}

void expect_gradient(const std::string& what, const Table& want,
                     const std::function<void(const Gradient&)>& backward, double tolerance) {
  const size_t rows = want.size(), cols = want[0].size();
  Numbers replaced(rows, cols);
  backward({replaced, Write::kReplace});
  expect_near(what + ", replaced", replaced, want, tolerance);

  Numbers added = Numbers::random(rows, cols, 999, 3);
  Table sum = to_table(added);
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = 0; c < cols; ++c) sum[r][c] += want[r][c];
  backward({added, Write::kAdd});
  expect_near(what + ", added", added, sum, tolerance);
  EXPECT_TRUE(added.gaps_untouched()) << what;
}

}  // namespace cairn::math
