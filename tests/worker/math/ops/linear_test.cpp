#include "worker/math/ops/linear.h"

#include <cmath>
#include <tuple>

#include "tests/worker/math/ops/backends.h"
#include "tests/worker/math/ops/numbers.h"

namespace cairn::math {
namespace {

// By activation, units and the distance between rows.
class LinearTest
    : public testing::TestWithParam<std::tuple<const Ops*, Activation, size_t, size_t>> {
 protected:
  LinearTest() {
    // No sum comes so close to the kink of a ReLU that a difference could step over it.
    for (size_t o = 0; o < out; ++o) bias.at(0, o) = o % 2 ? 6.0f : -6.0f;
    for (size_t r = 0; r < kBatch; ++r)
      for (size_t i = 0; i < kIn; ++i) x.at(r, i) = std::tanh(x.at(r, i));
    for (size_t o = 0; o < out; ++o)
      for (size_t i = 0; i < kIn; ++i) weight.at(o, i) = std::tanh(weight.at(o, i));
  }

  LinearInputs in() { return {x, weight, bias, activation}; }
  double loss() {
    ops.linear_forward(in(), y);
    return dot(y, dy);
  }
  void backward(const LinearGradients& gradients) {
    Numbers used_up = dy;
    ops.linear_backward(in(), y, used_up, arena, gradients);
  }

  static constexpr size_t kBatch = 9, kIn = 5;
  const Ops& ops = *std::get<0>(GetParam());
  const Activation activation = std::get<1>(GetParam());
  const size_t out = std::get<2>(GetParam()), gap = std::get<3>(GetParam());
  Arena arena;
  Numbers x = Numbers::random(kBatch, kIn, 1, gap), weight = Numbers::random(out, kIn, 2);
  Numbers bias = Numbers::random(1, out, 3);
  Numbers y{kBatch, out, gap}, dy = Numbers::random(kBatch, out, 4, gap);
  // Where a gradient is not the one under test.
  Numbers dx{kBatch, kIn}, dweight{out, kIn}, dbias{1, out};
};

TEST_P(LinearTest, ForwardMatchesDouble) {
  loss();
  Table want = to_table(y);
  for (size_t r = 0; r < kBatch; ++r) {
    for (size_t o = 0; o < out; ++o) {
      double sum = bias.at(0, o);
      for (size_t i = 0; i < kIn; ++i) sum += double{x.at(r, i)} * weight.at(o, i);
      want[r][o] = activation == Activation::kRelu ? std::max(sum, 0.0) : sum;
    }
  }
  expect_near("y", y, want, 1e-6);
  EXPECT_TRUE(y.gaps_untouched());
}

TEST_P(LinearTest, BackwardMatchesFiniteDifferences) {
  const auto loss = [this] { return this->loss(); };
  loss();
  // Away from the kink the layer is linear in each input, so that a large step costs nothing.
  const Table want_x = numeric_gradient(loss, x, 0.25f);
  const Table want_weight = numeric_gradient(loss, weight, 0.25f);
  const Table want_bias = numeric_gradient(loss, bias, 0.25f);
  loss();
  expect_gradient("x", want_x, [&](const Gradient& g) { backward({g, {dweight}, {dbias}}); });
  expect_gradient("weight", want_weight, [&](const Gradient& g) { backward({{dx}, g, {dbias}}); });
  expect_gradient("bias", want_bias, [&](const Gradient& g) { backward({{}, {dweight}, g}); });
}

// Where bf16 can hold the factors, products in bf16 are those of float32. Float32 factors beside
// the rounded ones are not read.
TEST_P(LinearTest, RoundedFactorsGiveTheirProducts) {
  if (!ops.multiplies_bf16()) GTEST_SKIP() << "this machine has no products in bf16";
  const RoundedNumbers x_rounded(x), weight_rounded(weight);
  (void)RoundedNumbers(dy);
  loss();
  backward({{dx}, {dweight}, {dbias}});
  const Table want = to_table(y), want_x = to_table(dx), want_weight = to_table(dweight);
  const Table want_bias = to_table(dbias);

  Numbers no_x(kBatch, kIn), no_weight(out, kIn);  // NaN
  const LinearInputs rounded = {no_x, no_weight, bias, activation, x_rounded, weight_rounded};
  ops.linear_forward(rounded, y);
  expect_near("y", y, want, 1e-6);
  const auto backward = [&](const LinearGradients& gradients) {
    Numbers used_up = dy;
    ops.linear_backward(rounded, y, used_up, arena, gradients);
  };
  expect_gradient("x", want_x, [&](const Gradient& g) { backward({g, {dweight}, {dbias}}); });
  expect_gradient("weight", want_weight, [&](const Gradient& g) { backward({{dx}, g, {dbias}}); });
  expect_gradient("bias", want_bias, [&](const Gradient& g) { backward({{}, {dweight}, g}); });
}

INSTANTIATE_TEST_SUITE_P(EveryBackend, LinearTest,
                         testing::Combine(testing::ValuesIn(backends_in_this_build()),
                                          testing::Values(Activation::kNone, Activation::kRelu),
                                          testing::Values(1, 2, 37), testing::Values(0, 4)));

}  // namespace
}  // namespace cairn::math
