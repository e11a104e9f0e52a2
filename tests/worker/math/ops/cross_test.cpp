#include "worker/math/ops/cross.h"

#include <cmath>

#include "tests/worker/math/ops/backends.h"
#include "tests/worker/math/ops/numbers.h"

namespace cairn::math {
namespace {

class CrossTest : public OpsTest {
 protected:
  static constexpr size_t kBatch = 6, kDim = 19;

  double loss() {
    ops.cross_forward(in, mixed, y);
    return dot(y, dy);
  }
  void backward(const CrossGradients& gradients) {
    ops.cross_backward(in, mixed, dy, arena, gradients);
  }

  Numbers x0 = Numbers::random(kBatch, kDim, 1), x = Numbers::random(kBatch, kDim, 2);
  Numbers weight = Numbers::random(kDim, kDim, 3), bias = Numbers::random(1, kDim, 4);
  Numbers mixed{kBatch, kDim}, y{kBatch, kDim}, dy = Numbers::random(kBatch, kDim, 5);
  Numbers dx0{kBatch, kDim}, dx{kBatch, kDim}, dweight{kDim, kDim}, dbias{1, kDim};
  CrossInputs in = {x0, x, weight, bias};
  // The op is linear in each input alone, so central differences carry no truncation error and a
  // large step keeps float32 rounding small.
  static constexpr float kStep = 0.25f;
};

TEST_P(CrossTest, ForwardMatchesDouble) {
  loss();
  Table want = to_table(y);
  for (size_t r = 0; r < kBatch; ++r) {
    for (size_t o = 0; o < kDim; ++o) {
      double sum = bias.at(0, o);
      for (size_t i = 0; i < kDim; ++i) sum += double{x.at(r, i)} * weight.at(o, i);
      want[r][o] = x0.at(r, o) * sum + x.at(r, o);
    }
  }
  expect_near("y", y, want, 1e-6);
}

TEST_P(CrossTest, BackwardMatchesFiniteDifferences) {
  const auto loss = [this] { return this->loss(); };
  const Table want_x0 = numeric_gradient(loss, x0, kStep),
              want_x = numeric_gradient(loss, x, kStep);
  const Table want_weight = numeric_gradient(loss, weight, kStep);
  const Table want_bias = numeric_gradient(loss, bias, kStep);
  loss();
  expect_gradient("x0", want_x0, [&](const Gradient& g) {
    backward({g, {dx}, {dweight}, {dbias}});
  });
  expect_gradient("x", want_x, [&](const Gradient& g) {
    backward({{dx0}, g, {dweight}, {dbias}});
  });
  expect_gradient("weight", want_weight, [&](const Gradient& g) {
    backward({{dx0}, {dx}, g, {dbias}});
  });
  expect_gradient("bias", want_bias, [&](const Gradient& g) {
    backward({{dx0}, {dx}, {dweight}, g});
  });
  expect_gradient("weight alone", want_weight, [&](const Gradient& g) {
    backward({{}, {}, g, {dbias}});
  });
}

TEST_P(CrossTest, TheFirstLayerAddsBothGradientsOfItsInput) {
  in.x = x0;
  const auto loss = [this] { return this->loss(); };
  // Quadratic in x0: central differences still carry no truncation error.
  const Table want = numeric_gradient(loss, x0, kStep);
  loss();
  expect_gradient("x0", want, [&](const Gradient& g) {
    backward({.x0 = g, .x = {}, .weight = {dweight}, .bias = {dbias}, .x_is_x0 = true});
  });
}

TEST_P(CrossTest, TheInputsGradientMayStandWhereTheOutputsStood) {
  loss();
  backward({{dx0}, {dx}, {dweight}, {dbias}});
  Numbers shared = dy;
  ops.cross_backward(in, mixed, shared, arena,
                     {.x0 = {dx0},
                      .x = {shared, Write::kAdd},
                      .weight = {dweight},
                      .bias = {dbias},
                      .x_holds_dy = true});
  expect_near("x", shared, to_table(dx), 0.0);
}

// x0 and dy are powers of two, so that dy * x0, which is rounded too, is exact.
TEST_P(CrossTest, RoundedFactorsGiveTheirProducts) {
  if (!ops.multiplies_bf16()) GTEST_SKIP() << "this machine has no products in bf16";
  for (Numbers* powers : {&x0, &dy})
    for (size_t r = 0; r < kBatch; ++r)
      for (size_t i = 0; i < kDim; ++i) powers->at(r, i) = std::exp2(std::round(powers->at(r, i)));
  const RoundedNumbers x_rounded(x), weight_rounded(weight);
  loss();
  backward({{dx0}, {dx}, {dweight}, {dbias}});
  const Table want = to_table(y), want_x0 = to_table(dx0), want_x = to_table(dx);
  const Table want_weight = to_table(dweight), want_bias = to_table(dbias);

  Numbers no_weight(kDim, kDim);  // NaN
  in = {x0, x, no_weight, bias, x_rounded, weight_rounded};
  loss();
  expect_near("y", y, want, 1e-6);
  expect_gradient("x0", want_x0, [&](const Gradient& g) {
    backward({g, {dx}, {dweight}, {dbias}});
  });
  expect_gradient("x", want_x, [&](const Gradient& g) { backward({{}, g, {dweight}, {dbias}}); });
  expect_gradient("weight", want_weight, [&](const Gradient& g) {
    backward({{dx0}, {dx}, g, {dbias}});
  });
  expect_gradient("bias", want_bias, [&](const Gradient& g) {
    backward({{dx0}, {dx}, {dweight}, g});
  });
}

INSTANTIATE_TEST_SUITE_P(EveryBackend, CrossTest, testing::ValuesIn(backends_in_this_build()),
                         backend_name);

}  // namespace
}  // namespace cairn::math
