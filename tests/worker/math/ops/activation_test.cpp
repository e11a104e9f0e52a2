#include "worker/math/ops/activation.h"

#include <cmath>
#include <tuple>

#include "tests/worker/math/ops/backends.h"
#include "tests/worker/math/ops/numbers.h"

namespace cairn::math {
namespace {

double exact(Activation kind, double x, double slope) {
  switch (kind) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return std::max(x, 0.0);
    case Activation::kGelu:
      return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kPrelu:
      return x > 0 ? x : slope * x;
    case Activation::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::kTanh:
      return std::tanh(x);
  }
  return NAN;
}

class ActivationTest : public testing::TestWithParam<std::tuple<const Ops*, Activation>> {
 protected:
  ActivationTest() {
    for (size_t r = 0; r < kBatch; ++r)  // no element near a kink, small and large ones
      for (size_t c = 0; c < kUnits; ++c)
        x.at(r, c) = std::copysign(1e-3f, x.at(r, c)) + 3 * x.at(r, c);
  }
  ActivationInputs in() { return {x, slope, kind}; }

  static constexpr size_t kBatch = 7, kUnits = 21;
  const Ops& ops = *std::get<0>(GetParam());
  const Activation kind = std::get<1>(GetParam());
  Numbers x = Numbers::random(kBatch, kUnits, 1, 2), slope = Numbers::random(1, kUnits, 2);
  Numbers y{kBatch, kUnits, 1}, dy = Numbers::random(kBatch, kUnits, 3, 3);
};

TEST_P(ActivationTest, ForwardMatchesDouble) {
  ops.activation_forward(in(), y);
  Table want = to_table(y);
  for (size_t r = 0; r < kBatch; ++r)
    for (size_t c = 0; c < kUnits; ++c) want[r][c] = exact(kind, x.at(r, c), slope.at(0, c));
  expect_near("y", y, want, 4e-7);
  EXPECT_TRUE(y.gaps_untouched());
}

TEST_P(ActivationTest, BackwardMatchesFiniteDifferences) {
  Table exact_x = to_table(x), exact_slope = to_table(slope);
  const auto loss = [&] {
    double sum = 0;
    for (size_t r = 0; r < kBatch; ++r)
      for (size_t c = 0; c < kUnits; ++c)
        sum += dy.at(r, c) * exact(kind, exact_x[r][c], exact_slope[0][c]);
    return sum;
  };
  const Table want_x = numeric_gradient(loss, exact_x);
  const Table want_slope = numeric_gradient(loss, exact_slope);
  ops.activation_forward(in(), y);
  expect_gradient(
      "x", want_x,
      [&](const Gradient& g) {
        ops.activation_backward(in(), y, dy, {g, {}});
      },
      2e-6);
  if (kind == Activation::kPrelu)
    expect_gradient("slope", want_slope, [&](const Gradient& g) {
      ops.activation_backward(in(), y, dy, {{}, g});
    });
}

TEST_P(ActivationTest, HugeInputsOverflowNowhere) {
  for (const float size : {100.0f, 1e4f, 1e30f}) {
    for (size_t c = 0; c < kUnits; ++c) x.at(0, c) = c % 2 ? size : -size;
    ops.activation_forward(in(), y);
    for (size_t c = 0; c < kUnits; ++c) {
      const double want = exact(kind, x.at(0, c), slope.at(0, c));
      EXPECT_NEAR(y.at(0, c), want, 1e-6 * std::max(1.0, std::abs(want))) << size;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EveryKind, ActivationTest,
                         testing::Combine(testing::ValuesIn(backends_in_this_build()),
                                          testing::Values(Activation::kNone, Activation::kRelu,
                                                          Activation::kGelu, Activation::kSilu,
                                                          Activation::kPrelu, Activation::kSigmoid,
                                                          Activation::kTanh)));

}  // namespace
}  // namespace cairn::math
