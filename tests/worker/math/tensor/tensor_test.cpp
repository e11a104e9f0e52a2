#include "worker/math/tensor/tensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "worker/math/tensor/tensor_ops.h"

namespace cairn::math {
namespace {

using testing::Each;
using testing::ElementsAre;

class TensorTest : public testing::TestWithParam<DType> {
 protected:
  // Row-major, of the type under test.
  Tensor make(const Shape& shape, const std::vector<double>& values) {
    Tensor wide = make_tensor(arena, shape, DType::kF64);
    std::copy(values.begin(), values.end(), static_cast<double*>(wide.data));
    return cast(arena, wide, GetParam());
  }
  Tensor index(std::vector<int64_t> values) {
    Tensor made = make_tensor(arena, {values.size()}, DType::kI64);
    std::copy(values.begin(), values.end(), static_cast<int64_t*>(made.data));
    return made;
  }
  std::vector<double> values(const Tensor& x) {
    const Tensor wide = cast(arena, x, DType::kF64);
    const auto* first = static_cast<const double*>(wide.data);
    return {first, first + wide.size()};
  }

  Arena arena;
  Tensor x = make({2, 3}, {1, 2, 3, 4, 5, 6});
};

TEST_P(TensorTest, ViewsShowTheSameNumbers) {
  const std::array<size_t, 2> turned = {1, 0};
  EXPECT_THAT(values(x.transpose(turned)), ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_THAT(values(x.slice(1, 1, 2)), ElementsAre(2, 3, 5, 6));
  EXPECT_THAT(values(x.slice(1, 1, 2).transpose(turned)), ElementsAre(2, 5, 3, 6));
  EXPECT_THAT(values(x.reshape({3, 2}).slice(0, 1, 1)), ElementsAre(3, 4));
  EXPECT_THAT(values(x.slice(0, 1, 1).broadcast_to({2, 2, 3})),
              ElementsAre(4, 5, 6, 4, 5, 6, 4, 5, 6, 4, 5, 6));
  fill(x.slice(1, 0, 1), 9);
  EXPECT_THAT(values(x), ElementsAre(9, 2, 3, 9, 5, 6));
}

TEST_P(TensorTest, ArithmeticBroadcasts) {
  const Tensor row = make({3}, {10, 20, 30}), column = make({2, 1}, {1, 2});
  EXPECT_THAT(values(binary(arena, Binary::kAdd, x, row)), ElementsAre(11, 22, 33, 14, 25, 36));
  EXPECT_THAT(values(binary(arena, Binary::kSubtract, x, column)), ElementsAre(0, 1, 2, 2, 3, 4));
  EXPECT_THAT(values(binary(arena, Binary::kMultiply, column, row)),
              ElementsAre(10, 20, 30, 20, 40, 60));
  EXPECT_THAT(values(binary(arena, Binary::kDivide, row, make({}, {5}))), ElementsAre(2, 4, 6));
  EXPECT_THAT(values(binary(arena, Binary::kMinimum, x, make({}, {3}))),
              ElementsAre(1, 2, 3, 3, 3, 3));
  EXPECT_THAT(values(binary(arena, Binary::kMaximum, x, make({}, {3}))),
              ElementsAre(3, 3, 3, 4, 5, 6));
}

TEST_P(TensorTest, ComparisonsGiveOneAndZero) {
  const Tensor row = make({3}, {1, 5, 3});
  EXPECT_THAT(values(binary(arena, Binary::kEqual, x, row)), ElementsAre(1, 0, 1, 0, 1, 0));
  EXPECT_THAT(values(binary(arena, Binary::kLess, x, row)), ElementsAre(0, 1, 0, 0, 0, 0));
  EXPECT_THAT(values(binary(arena, Binary::kLessEqual, x, row)), ElementsAre(1, 1, 1, 0, 1, 0));
}

TEST_P(TensorTest, NegatesAndTakesAbsoluteValues) {
  const Tensor signs = make({3}, {-2, 0, 3});
  EXPECT_THAT(values(unary(arena, Unary::kNegate, signs)), ElementsAre(2, 0, -3));
  EXPECT_THAT(values(unary(arena, Unary::kAbsolute, signs)), ElementsAre(2, 0, 3));
}

TEST_P(TensorTest, ProductsBroadcastTheAxesBefore) {
  const Tensor column = make({3, 1}, {1, -2, 3});
  EXPECT_THAT(values(matmul(arena, x, column)), ElementsAre(6, 12));
  const std::array<size_t, 2> turned = {1, 0};
  EXPECT_THAT(values(matmul(arena, column.transpose(turned), x.transpose(turned))),
              ElementsAre(6, 12));
  const Tensor pair = make({2, 1, 1, 2}, {1, 0, 0, 2});
  const Tensor both = matmul(arena, pair, x);
  EXPECT_EQ(both.shape, (Shape{2, 1, 1, 3}));
  EXPECT_THAT(values(both), ElementsAre(1, 2, 3, 8, 10, 12));
  EXPECT_THAT(values(matmul(arena, make({2, 0}, {}), make({0, 1}, {}))), ElementsAre(0, 0));
}

TEST_P(TensorTest, ReductionsKeepTheirAxesAsOne) {
  const std::array<size_t, 1> rows = {0}, columns = {1};
  const std::array<size_t, 2> both = {0, 1};
  const Tensor sums = reduce(arena, Reduction::kSum, x, rows);
  EXPECT_EQ(sums.shape, (Shape{1, 3}));
  EXPECT_THAT(values(sums), ElementsAre(5, 7, 9));
  EXPECT_THAT(values(reduce(arena, Reduction::kMean, x, columns)), ElementsAre(2, 5));
  EXPECT_THAT(values(reduce(arena, Reduction::kMinimum, x, columns)), ElementsAre(1, 4));
  EXPECT_THAT(values(reduce(arena, Reduction::kMaximum, x, both)), ElementsAre(6));
  EXPECT_THAT(values(reduce(arena, Reduction::kSum, x, {})), ElementsAre(1, 2, 3, 4, 5, 6));
  const Tensor negative = make({2}, {-7, -9});
  EXPECT_THAT(values(reduce(arena, Reduction::kMaximum, negative, rows)), ElementsAre(-7));
}

TEST_P(TensorTest, ConcatenatesAlongAnyAxis) {
  const std::array down = {x, make({1, 3}, {7, 8, 9})};
  EXPECT_THAT(values(concatenate(arena, down, 0)), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9));
  const std::array across = {x, make({2, 1}, {7, 8})};
  const Tensor wide = concatenate(arena, across, 1);
  EXPECT_EQ(wide.shape, (Shape{2, 4}));
  EXPECT_THAT(values(wide), ElementsAre(1, 2, 3, 7, 4, 5, 6, 8));
}

TEST_P(TensorTest, GathersAndScattersParts) {
  EXPECT_THAT(values(gather(arena, x, index({1, 0, 1}))), ElementsAre(4, 5, 6, 1, 2, 3, 4, 5, 6));
  scatter_add(x, index({1, 1}), make({2, 3}, {1, 1, 1, 2, 2, 2}));
  EXPECT_THAT(values(x), ElementsAre(1, 2, 3, 7, 8, 9));
}

TEST_P(TensorTest, RandomNumbersDependOnSeedStreamAndElementAlone) {
  const Tensor whole = make_tensor(arena, {4, 5}, GetParam());
  fill_uniform(whole, 7, 1, 2, 100);
  const Tensor again = make_tensor(arena, {20}, GetParam());
  fill_uniform(again, 7, 1, 2, 100);
  EXPECT_EQ(values(whole), values(again));
  EXPECT_THAT(values(whole), Each(testing::AllOf(testing::Ge(2), testing::Le(100))));
  fill_uniform(again, 8, 1, 2, 100);
  EXPECT_NE(values(whole), values(again));
}

TEST_P(TensorTest, WhatDoesNotFitNamesBothShapes) {
  const Tensor other = make({4}, {1, 2, 3, 4});
  EXPECT_DEATH(binary(arena, Binary::kAdd, x, other), "add: shapes \\[2, 3\\] and \\[4\\] do not");
  EXPECT_DEATH(x.reshape({4}), "reshape: shapes \\[2, 3\\] and \\[4\\] do not fit");
  EXPECT_DEATH(x.broadcast_to({3, 3}), "broadcast: shapes \\[2, 3\\] and \\[3, 3\\] do not fit");
  const std::array parts = {x, other};
  EXPECT_DEATH(concatenate(arena, parts, 0), "concatenate: shapes \\[2, 3\\] and \\[4\\]");
  EXPECT_DEATH(scatter_add(x, index({0}), other), "scatter add: shapes \\[2, 3\\] and \\[4\\]");
  EXPECT_DEATH(gather(arena, x, index({2})), "index 2 beyond the first axis of \\[2, 3\\]");
  EXPECT_DEATH(matmul(arena, x, x), "matmul: shapes \\[2, 3\\] and \\[2, 3\\] do not fit");
  EXPECT_DEATH(matmul(arena, x, other), "matmul: shapes \\[2, 3\\] and \\[4\\] do not fit");
  EXPECT_DEATH(copy(x, other), "copy: shapes \\[2, 3\\] and \\[4\\] do not fit");
  EXPECT_DEATH(x.slice(1, 2, 2), "slice: 2 from 2 on axis 1 of \\[2, 3\\]");
  const std::array<size_t, 2> twice = {0, 0};
  EXPECT_DEATH(x.transpose(twice), "not every axis once");
  const Tensor none = make({0, 3}, {});
  const std::array<size_t, 1> rows = {0};
  EXPECT_DEATH(reduce(arena, Reduction::kMaximum, none, rows), "no elements of \\[0, 3\\]");
  EXPECT_THAT(values(reduce(arena, Reduction::kSum, none, rows)), ElementsAre(0, 0, 0));
}

INSTANTIATE_TEST_SUITE_P(EveryType, TensorTest,
                         testing::Values(DType::kF32, DType::kF64, DType::kBf16, DType::kI64),
                         [](const auto& info) { return name_of(info.param); });

TEST(Tensor, TypesDoNotMix) {
  Arena arena;
  const Tensor a = make_tensor(arena, {1}, DType::kF32), b = make_tensor(arena, {1}, DType::kI64);
  EXPECT_DEATH(binary(arena, Binary::kLess, a, b), "less: types f32 and i64 differ");
  EXPECT_DEATH(gather(arena, a, a), "the index is not i64");
}

TEST(Tensor, CastsRoundOrCutOff) {
  Arena arena;
  double numbers[] = {-2.7, 1.00390625, 3.9};  // the second is halfway between two bf16
  const Tensor x(numbers, {3}, DType::kF64);
  const Tensor whole = cast(arena, x, DType::kI64);
  EXPECT_THAT(std::span(static_cast<int64_t*>(whole.data), 3), ElementsAre(-2, 1, 3));
  EXPECT_EQ(static_cast<Bfloat16*>(cast(arena, x, DType::kBf16).data)[1].bits, 0x3f80);
}

// Nothing here may be undefined: UBSan sees the rest.
TEST(Tensor, IntegersWrapAndWhatTheyCannotHoldIsTheLowest) {
  Arena arena;
  constexpr int64_t kLowest = std::numeric_limits<int64_t>::lowest();
  int64_t numbers[] = {kLowest, -1};
  const Tensor x(numbers, {2}, DType::kI64);
  const Tensor lowest = x.slice(0, 0, 1), minus_one = x.slice(0, 1, 1);
  const std::array<size_t, 1> all = {0};
  const auto first = [](const Tensor& y) { return *static_cast<const int64_t*>(y.data); };
  EXPECT_EQ(first(binary(arena, Binary::kAdd, lowest, minus_one)), -(kLowest + 1));
  EXPECT_EQ(first(binary(arena, Binary::kMultiply, lowest, minus_one)), kLowest);
  EXPECT_EQ(first(binary(arena, Binary::kDivide, lowest, minus_one)), kLowest);
  EXPECT_EQ(first(unary(arena, Unary::kAbsolute, lowest)), kLowest);
  EXPECT_EQ(first(reduce(arena, Reduction::kSum, x, all)), -(kLowest + 1));
  double beyond[] = {1e19, -1e19, std::numeric_limits<double>::quiet_NaN()};
  const Tensor whole = cast(arena, Tensor(beyond, {3}, DType::kF64), DType::kI64);
  EXPECT_THAT(std::span(static_cast<int64_t*>(whole.data), 3), Each(kLowest));
}

TEST(Tensor, NanWinsEveryExtreme) {
  Arena arena;
  double numbers[] = {1, std::numeric_limits<double>::quiet_NaN(), 2};
  const Tensor x(numbers, {3}, DType::kF64);
  const std::array<size_t, 1> all = {0};
  const auto is_nan = [](const Tensor& y) {
    return std::isnan(*static_cast<const double*>(y.data));
  };
  for (const auto reduction : {Reduction::kMaximum, Reduction::kMinimum})
    EXPECT_TRUE(is_nan(reduce(arena, reduction, x, all)));
  for (const auto extreme : {Binary::kMaximum, Binary::kMinimum})
    for (const auto& [a, b] : {std::pair{0, 1}, {1, 2}})
      EXPECT_TRUE(is_nan(binary(arena, extreme, x.slice(0, a, 1), x.slice(0, b, 1))));
}

TEST(Tensor, WhatNoMemoryHoldsIsRefused) {
  Arena arena;
  const Tensor none(nullptr, {size_t{1} << 62, 0}, DType::kF32);
  const std::array<size_t, 1> columns = {1};
  EXPECT_DEATH(reduce(arena, Reduction::kSum, none, columns), "a tensor .* is too large");
}

TEST(Tensor, IsAMatrixOnlyWhereColumnsStandTogether) {
  Arena arena;
  const Tensor x = make_tensor(arena, {2, 3}, DType::kF32);
  EXPECT_EQ(x.slice(1, 1, 2).matrix().row_stride, 3u);
  const std::array<size_t, 2> turned = {1, 0};
  EXPECT_DEATH(x.transpose(turned).matrix(), "the tensor is no matrix");
}

}  // namespace
}  // namespace cairn::math
