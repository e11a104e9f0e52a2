// Every differentiable operation on tensors: against what PyTorch computed (make_fixtures.py), and
// its backward against difference quotients, in double.
#include "worker/math/autograd/tensor_functions.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "common/random.h"
#include "tests/seed.h"
#include "worker/math/autograd/functions.h"
#include "worker/math/tensor/npy.h"

namespace cairn::math {
namespace {

using Inputs = std::vector<Variable*>;
using Axes = std::vector<size_t>;

struct TensorCase {
  const char* name;  // as make_fixtures.py knows it
  Variable* (*forward)(Tape&, const Inputs&);
  bool smooth = true;     // false: its steps are too small for difference quotients
  bool positive = false;  // its inputs

  friend void PrintTo(const TensorCase& c, std::ostream* out) { *out << c.name; }
};

template <Binary kOperation>
Variable* binary(Tape& t, const Inputs& in) {
  return autograd::binary(t, kOperation, in[0], in[1]);
}
template <Unary kOperation>
Variable* unary(Tape& t, const Inputs& in) {
  return autograd::unary(t, kOperation, in[0]);
}
template <Reduction kOperation, size_t... kAxes>
Variable* reduce(Tape& t, const Inputs& in) {
  return autograd::reduce(t, kOperation, in[0], Axes{kAxes...});
}
Variable* matmul(Tape& t, const Inputs& in) { return autograd::matmul(t, in[0], in[1]); }

Variable* softmax(Tape& t, const Inputs& in) {
  const Axes axis = {1};
  Variable* largest = autograd::reduce(t, Reduction::kMaximum, in[0], axis);
  Variable* powers =
      autograd::unary(t, Unary::kExp, autograd::binary(t, Binary::kSubtract, in[0], largest));
  return autograd::binary(t, Binary::kDivide, powers,
                          autograd::reduce(t, Reduction::kSum, powers, axis));
}

const TensorCase kCases[] = {
    {"add", binary<Binary::kAdd>},
    {"subtract", binary<Binary::kSubtract>},
    {"multiply", binary<Binary::kMultiply>},
    {"divide", binary<Binary::kDivide>, true, true},
    {"minimum", binary<Binary::kMinimum>},
    {"maximum", binary<Binary::kMaximum>},
    {"negate", unary<Unary::kNegate>},
    {"absolute", unary<Unary::kAbsolute>},
    {"exp", unary<Unary::kExp>},
    {"log", unary<Unary::kLog>, true, true},
    {"sqrt", unary<Unary::kSqrt>, true, true},
    {"tanh", unary<Unary::kTanh>},
    {"sigmoid", unary<Unary::kSigmoid>},
    {"matmul", matmul},
    {"matmul_of_batches", matmul},
    {"sum", reduce<Reduction::kSum, 0, 2>},
    {"mean", reduce<Reduction::kMean, 1>},
    {"minimum_over", reduce<Reduction::kMinimum, 1, 2>},
    {"maximum_over", reduce<Reduction::kMaximum, 0, 1>},
    {"reshape",
     [](Tape& t, const Inputs& in) {
       return autograd::reshape(t, in[0], {4, 6});
     }},
    {"reshape_of_transposed",
     [](Tape& t, const Inputs& in) {
       return autograd::reshape(t, autograd::transpose(t, in[0], Axes{2, 0, 1}), {8, 3});
     }},
    {"transpose",
     [](Tape& t, const Inputs& in) {
       return autograd::transpose(t, in[0], Axes{2, 0, 1});
     }},
    {"slice", [](Tape& t, const Inputs& in) { return autograd::slice(t, in[0], 1, 1, 3); }},
    {"broadcast",
     [](Tape& t, const Inputs& in) {
       return autograd::broadcast_to(t, in[0], {2, 3, 4});
     }},
    {"cast", [](Tape& t, const Inputs& in) { return autograd::cast(t, in[0], DType::kF32); },
     false},
    {"cast_to_bf16",
     [](Tape& t, const Inputs& in) {
       return autograd::cast(t, autograd::cast(t, in[0], DType::kBf16), DType::kF64);
     },
     false},
    {"concatenate",
     [](Tape& t, const Inputs& in) {
       return autograd::concatenate(t, Inputs{in[0], in[1], in[0]}, 1);
     }},
    {"gather", [](Tape& t, const Inputs& in) { return autograd::gather(t, in[0], in[1]->value); }},
    {"scatter_add",
     [](Tape& t, const Inputs& in) {
       return autograd::scatter_add(t, in[0], in[1]->value, in[2]);
     }},
    {"softmax", softmax},
};

const std::map<std::string, Tensor>& fixtures() {
  static Arena arena;
  static const auto read =
      read_npz(CAIRN_SOURCE_DIR "/tests/worker/math/autograd/fixtures/tensor_functions.npz", arena);
  EXPECT_TRUE(read.ok()) << read.error().message;
  static const auto all = Result(read).value();
  return all;
}

class TensorFunctionsTest : public testing::TestWithParam<TensorCase> {
 protected:
  Tensor fixture(const std::string& part) {
    return fixtures().at(fmt::format("{}.{}", GetParam().name, part));
  }
  std::vector<Tensor> inputs() {
    std::vector<Tensor> all;
    for (size_t i = 0;; ++i) {
      const std::string name = fmt::format("{}.in{}", GetParam().name, i);
      if (!fixtures().contains(name)) return all;
      all.push_back(copy_of(arena, fixtures().at(name)));
    }
  }
  Inputs variables(Tape& tape, const std::vector<Tensor>& values) {
    Inputs all;
    for (const Tensor& value : values)
      all.push_back(value.dtype == DType::kI64 ? tape.constant(value) : tape.input(value));
    return all;
  }
  // Leaves the gradients of sum(y * dy).
  Variable* differentiate(Tape& tape, const Inputs& in, const Tensor& dy) {
    Variable* y = GetParam().forward(tape, in);
    tape.add_gradient(y, cast(tape.arena(), dy, y->value.dtype));
    tape.backward();
    return y;
  }
  // As `differentiate` sums it.
  double loss(const std::vector<Tensor>& values, const Tensor& dy) {
    Arena own;
    Tape tape(cpu_ops(), own, Tape::Mode::kInference);
    const Tensor y = GetParam().forward(tape, variables(tape, values))->value;
    double sum = 0;
    for (const double v : numbers(binary(own, Binary::kMultiply, y, dy))) sum += v;
    return sum;
  }
  std::vector<double> numbers(const Tensor& x) {
    const Tensor wide = cast(arena, x, DType::kF64);
    const auto* first = static_cast<const double*>(wide.data);
    return {first, first + wide.size()};
  }
  void expect_near(const Tensor& got, const Tensor& want, double tolerance, const char* what,
                   size_t number = 0) {
    ASSERT_EQ(got.shape, want.shape) << what << number;
    const std::vector<double> g = numbers(got), w = numbers(want);
    for (size_t i = 0; i < g.size(); ++i)
      EXPECT_NEAR(g[i], w[i], tolerance * std::max(1.0, std::abs(w[i])))
          << what << number << " element " << i;
  }

  Arena arena;
};

TEST_P(TensorFunctionsTest, MatchPyTorch) {
  Tape tape(cpu_ops(), arena, Tape::Mode::kTraining);
  const Inputs in = variables(tape, inputs());
  const Variable* y = differentiate(tape, in, fixture("dy"));
  EXPECT_EQ(y->value.dtype, fixture("y").dtype);
  expect_near(y->value, fixture("y"), 1e-14, "y");
  for (size_t i = 0; i < in.size(); ++i)
    if (in[i]->needs_gradient)
      expect_near(tape.complete_tensor_gradient(in[i]), fixture(fmt::format("d{}", i)), 1e-14, "d",
                  i);
}

// Functions that do not round.
class SmoothTensorFunctionsTest : public TensorFunctionsTest {};

TEST_P(SmoothTensorFunctionsTest, BackwardMatchesFiniteDifferences) {
  // No two elements are equal and none is near zero: there, extremes and |x| have kinks.
  std::vector<Tensor> values = inputs();
  std::vector<double*> places;
  for (const Tensor& value : values)
    for (size_t i = 0; value.dtype == DType::kF64 && i < value.size(); ++i)
      places.push_back(static_cast<double*>(value.data) + i);
  RandomStream random(test_seed(), 5);
  for (size_t i = places.size(); i > 1; --i) std::swap(places[i - 1], places[random.next_below(i)]);
  const double lowest = GetParam().positive ? 0.5 : -1.5;
  const double step = (2.0 - lowest) / static_cast<double>(places.size());
  for (size_t i = 0; i < places.size(); ++i)
    *places[i] = lowest + step * (static_cast<double>(i) + 0.3 + 0.2 * random.next_double());

  Tape tape(cpu_ops(), arena, Tape::Mode::kTraining);
  const Inputs in = variables(tape, values);
  const Tensor dy = copy_of(arena, fixture("dy"));
  fill_uniform(dy, test_seed(), 6, -1, 1);
  differentiate(tape, in, dy);
  for (size_t i = 0; i < in.size(); ++i) {
    if (!in[i]->needs_gradient) continue;
    const Tensor slopes = make_tensor(arena, values[i].shape, DType::kF64);
    for (size_t at = 0; at < slopes.size(); ++at) {
      constexpr double kStep = 1e-5;
      double& element = static_cast<double*>(values[i].data)[at];
      const double kept = element;
      element = kept + kStep;
      const double above = loss(values, dy);
      element = kept - kStep;
      static_cast<double*>(slopes.data)[at] = (above - loss(values, dy)) / (2 * kStep);
      element = kept;
    }
    expect_near(tape.complete_tensor_gradient(in[i]), slopes, 1e-8, "d", i);
  }
}

INSTANTIATE_TEST_SUITE_P(EveryFunction, TensorFunctionsTest, testing::ValuesIn(kCases),
                         [](const auto& info) { return info.param.name; });

std::vector<TensorCase> smooth_cases() {
  std::vector<TensorCase> cases;
  for (const TensorCase& c : kCases)
    if (c.smooth) cases.push_back(c);
  return cases;
}
INSTANTIATE_TEST_SUITE_P(EveryFunction, SmoothTensorFunctionsTest,
                         testing::ValuesIn(smooth_cases()),
                         [](const auto& info) { return info.param.name; });

TEST(TensorFunctions, EveryFixtureIsACase) {
  std::set<std::string> known, stored;
  for (const TensorCase& c : kCases) known.insert(c.name);
  for (const auto& [name, tensor] : fixtures()) stored.insert(name.substr(0, name.find('.')));
  EXPECT_EQ(known, stored);
}

// Sum over rows of (x W^T * x)^2, the product by a fused function, the rest by those of tensors.
TEST(TensorFunctions, MeetFusedFunctionsOnOneTape) {
  Arena arena;
  const Tensor x = make_tensor(arena, {3, 2}, DType::kF32);
  const Tensor weight = make_tensor(arena, {2, 2}, DType::kF32);
  fill_uniform(x, test_seed(), 1, -1, 1);
  fill_uniform(weight, test_seed(), 2, -1, 1);
  Tape tape(cpu_ops(), arena, Tape::Mode::kTraining);
  Variable* in = tape.input(x);
  Variable* product = autograd::linear(tape, in, tape.input(weight), nullptr, Activation::kNone);
  Variable* both = autograd::binary(tape, Binary::kMultiply, product, in);
  Variable* y = autograd::binary(tape, Binary::kMultiply, both, both);
  const Tensor ones = make_tensor(arena, y->value.shape, DType::kF32);
  fill(ones, 1);
  tape.add_gradient(y, ones);
  tape.backward();

  // dx = 2 (p x)^2 / x + (2 (p x) x) W
  const auto at = [](const Tensor& m, size_t r, size_t c) { return double{m.matrix().row(r)[c]}; };
  for (size_t r = 0; r < 3; ++r) {
    double p[2], through[2];
    for (size_t o = 0; o < 2; ++o) {
      p[o] = at(x, r, 0) * at(weight, o, 0) + at(x, r, 1) * at(weight, o, 1);
      through[o] = 2 * p[o] * at(x, r, o) * at(x, r, o);
    }
    for (size_t i = 0; i < 2; ++i)
      EXPECT_NEAR(at(in->gradient, r, i),
                  2 * p[i] * p[i] * at(x, r, i) + through[0] * at(weight, 0, i) +
                      through[1] * at(weight, 1, i),
                  1e-5);
  }
}

TEST(TensorFunctions, WholeNumbersAndComparisonsHaveNoGradient) {
  Arena arena;
  Tape tape(cpu_ops(), arena, Tape::Mode::kTraining);
  const Tensor x = make_tensor(arena, {2}, DType::kF32), n = make_tensor(arena, {2}, DType::kI64);
  fill(x, 1.5);
  fill(n, 3);
  Variable* in = tape.input(x);
  EXPECT_FALSE(autograd::binary(tape, Binary::kLess, in, in)->needs_gradient);
  EXPECT_FALSE(autograd::cast(tape, in, DType::kI64)->needs_gradient);
  EXPECT_DEATH(tape.input(n), "whole numbers have no gradient");
  EXPECT_DEATH(autograd::unary(tape, Unary::kExp, tape.constant(n)), "exp, .* of i64");
}

}  // namespace
}  // namespace cairn::math
