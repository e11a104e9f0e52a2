#include "worker/math/autograd/functions.h"

#include <gmock/gmock.h>

#include <array>

#include "tests/worker/math/ops/backends.h"
#include "tests/worker/math/ops/numbers.h"
#include "worker/math/autograd/losses.h"

namespace cairn::math {
namespace {

// Operations have tests of their own; here it is how the tape joins them.
class FunctionsTest : public OpsTest {
 protected:
  // A parameter-like variable whose gradient holds NaN.
  Variable* variable(Tape& tape, Numbers& value, Numbers& gradient) {
    return tape.input(value, gradient);
  }
  static Numbers like(Numbers& value) { return {value.view().rows, value.view().cols}; }

  // Runs `compute` (which returns a column of logits) with mse against zeros; its loss is sum(z^2).
  using Compute = std::function<Variable*(Tape&, std::span<Variable* const>)>;
  double loss_of(const Compute& compute, std::vector<Numbers>& values,
                 std::vector<Numbers>* gradients) {
    arena.reset();
    Tape tape(ops, arena, gradients ? Tape::Mode::kTraining : Tape::Mode::kInference);
    std::vector<Variable*> variables;
    for (size_t i = 0; i < values.size(); ++i)
      variables.push_back(gradients ? variable(tape, values[i], (*gradients)[i])
                                    : tape.constant(values[i]));
    Variable* z = compute(tape, variables);
    if (!gradients) {
      Numbers kept(z->rows(), z->cols());
      ops.copy(z->matrix(), {kept});
      return dot(kept, kept);
    }
    Numbers zeros(z->rows(), 1), predictions(z->rows(), 1);
    ops.zero(zeros);
    TestVector<double> loss(1);
    autograd::loss(tape, {.loss = Loss::kMse}, z, {zeros}, predictions, loss.data());
    tape.backward();
    for (Variable* v : variables) tape.complete_gradient(v);
    return loss[0];
  }
  void expect_right_gradients(const Compute& compute, std::vector<Numbers> values) {
    // Values are small: layers multiply them up, and with them what a difference leaves out.
    for (Numbers& value : values)
      for (size_t r = 0; r < value.view().rows; ++r)
        for (size_t c = 0; c < value.view().cols; ++c) value.at(r, c) *= 0.4f;
    std::vector<Numbers> gradients;
    for (Numbers& value : values) gradients.push_back(like(value));
    loss_of(compute, values, &gradients);
    const auto loss = [&] { return loss_of(compute, values, nullptr); };
    for (size_t i = 0; i < values.size(); ++i)
      expect_near("variable " + std::to_string(i), gradients[i],
                  numeric_gradient(loss, values[i], 1e-2f), 2e-3);
  }

  Numbers x = Numbers::random(5, 4, 1), other = Numbers::random(5, 4, 2);
  Numbers square = Numbers::random(4, 4, 3), bias = Numbers::random(1, 4, 4);
  Numbers to_one = Numbers::random(1, 4, 5), zero_bias = Numbers::random(1, 1, 6);
};

TEST_P(FunctionsTest, AVariableUsedTwiceSumsItsGradients) {
  // x goes into two layers with the same weight, and both results on into one.
  expect_right_gradients(
      [](Tape& t, std::span<Variable* const> v) {
        Variable* once = autograd::linear(t, v[0], v[1], v[2], Activation::kNone);
        Variable* twice = autograd::linear(t, once, v[1], v[2], Activation::kNone);
        Variable* crossed = autograd::cross(t, once, twice, v[1], v[2]);
        return autograd::linear(t, crossed, v[3], v[4], Activation::kNone);
      },
      {x, square, bias, to_one, zero_bias});
}

TEST_P(FunctionsTest, CrossLayersShareTheirFirstInput) {
  expect_right_gradients(
      [](Tape& t, std::span<Variable* const> v) {
        Variable* y = v[0];
        for (int layer = 0; layer < 3; ++layer) y = autograd::cross(t, v[0], y, v[1], v[2]);
        return autograd::linear(t, y, v[3], v[4], Activation::kNone);
      },
      {x, square, bias, to_one, zero_bias});
}

TEST_P(FunctionsTest, ConcatGivesEachPartItsColumnsEvenTwice) {
  expect_right_gradients(
      [](Tape& t, std::span<Variable* const> v) {
        Variable* middle = autograd::linear(t, v[0], v[2], v[3], Activation::kNone);
        const std::array<Variable*, 3> parts = {middle, v[1], middle};
        return autograd::linear(t, autograd::concat(t, parts), v[4], v[5], Activation::kNone);
      },
      {x, other, square, bias, Numbers::random(1, 12, 7), zero_bias});
}

TEST_P(FunctionsTest, GroupsAreIndependentLayers) {
  // 2 groups: [5, 2 * 2] to [5, 2 * 3].
  expect_right_gradients(
      [](Tape& t, std::span<Variable* const> v) {
        Variable* y = autograd::linear(t, v[0], v[1], v[2], Activation::kNone, 2);
        return autograd::linear(t, y, v[3], v[4], Activation::kNone);
      },
      {x, Numbers::random(6, 2, 7), Numbers::random(1, 6, 8), Numbers::random(1, 6, 9), zero_bias});
}

TEST_P(FunctionsTest, AGateOfWhichNobodyAsksHasNoGradient) {
  expect_right_gradients(
      [](Tape& t, std::span<Variable* const> v) {
        std::array<Variable*, 2> results;
        autograd::gates(t, v[0], v[1], results);
        return autograd::linear(t, results[1], v[2], v[3], Activation::kNone);
      },
      {x, Numbers::random(5, 8, 7), to_one, zero_bias});
}

TEST_P(FunctionsTest, TablesOfSeveralBagsSumTheirGradients) {
  const TestVector<uint32_t> offsets = {0, 1, 1, 3, 4, 6}, index = {0, 1, 1, 2, 0, 2};
  const std::array<BagView, 3> bags = {BagView{offsets, index, Pooling::kSum},
                                       BagView{offsets, index, Pooling::kMean},
                                       BagView{offsets, index, Pooling::kSum}};
  Numbers numbers = Numbers::random(5, 2, 8);
  expect_right_gradients(
      [&](Tape& t, std::span<Variable* const> v) {
        const std::array<Variable*, 3> tables = {v[0], v[1], v[0]};
        Variable* y = autograd::pooled_features(t, 5, bags, tables, t.constant(numbers));
        return autograd::linear(t, y, v[2], v[3], Activation::kNone);
      },
      {Numbers::random(3, 2, 9), Numbers::random(3, 4, 10), Numbers::random(1, 10, 11), zero_bias});
}

TEST_P(FunctionsTest, ConstantsReceiveNothing) {
  Tape tape(ops, arena, Tape::Mode::kTraining);
  Numbers dweight = like(to_one), dbias = like(zero_bias), predictions(5, 1), labels(5, 1);
  ops.zero(labels);
  Variable* constant = tape.constant(x);
  Variable* z = autograd::linear(tape, constant, tape.input(to_one, dweight),
                                 tape.input(zero_bias, dbias), Activation::kNone);
  TestVector<double> loss(1);
  autograd::loss(tape, {.loss = Loss::kMse}, z, {labels}, predictions, loss.data());
  tape.backward();
  EXPECT_TRUE(constant->gradient.empty());
}

INSTANTIATE_TEST_SUITE_P(EveryBackend, FunctionsTest, testing::ValuesIn(backends_in_this_build()),
                         backend_name);

}  // namespace
}  // namespace cairn::math
