#include "worker/math/optimizers/dense_optimizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <string_view>

#include "common/random.h"
#include "tests/seed.h"
#include "tests/worker/math/ops/backends.h"
#include "worker/math/optimizers/adam.h"
#include "worker/math/tensor/buffer.h"

namespace cairn::math {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::ElementsAreArray;

constexpr size_t kParameters = 103;  // no multiple of a vector register

std::vector<float> draws(uint64_t place, bool positive = false, size_t count = kParameters) {
  RandomStream random(test_seed(), 2000, place);
  std::vector<float> all(count);
  for (float& x : all) x = positive ? random.next_float() : random.next_normal();
  return all;
}

void expect_rounded(const std::vector<float>& got, const std::vector<double>& want,
                    const std::string& what) {
  for (size_t i = 0; i < want.size(); ++i)
    EXPECT_NEAR(got[i], want[i], 4e-7 * std::max(1.0, std::abs(want[i]))) << what << " " << i;
}

// The numbers that optimizers are given stand in the memory of their operations, the tests' own in
// the host's.
class DenseOptimizerTest : public testing::TestWithParam<const Ops*> {
 protected:
  std::unique_ptr<DenseOptimizer> make(const DenseOptimizerConfig& config,
                                       const ParameterLayout& layout) const {
    return make_dense_optimizer(config, layout, ops).value();
  }
  void step(DenseOptimizer& optimizer, std::vector<float>& w, const std::vector<float>& g,
            uint64_t number) const {
    NumberBuffer<float> values(memory, w), gradients(memory, g);
    optimizer.step(values.span(), gradients.span(), number);
    w = values.to_host();
  }
  std::vector<float> state_of(DenseOptimizer& optimizer) const {
    std::vector<float> state(optimizer.state().size());
    memory.read(std::span(state), optimizer.state().data());
    return state;
  }
  void set_state(DenseOptimizer& optimizer, const std::vector<float>& state) const {
    memory.write(optimizer.state().data(), std::span(state));
  }
  void expect_matches_double(
      DenseOptimizerConfig config,
      const std::function<void(double& w, double* s, double g, size_t i)>& formula) const;

  const Ops& ops = *GetParam();
  Memory& memory = ops.memory();
};

TEST_P(DenseOptimizerTest, SgdMatchesDouble) {
  const std::vector<float> w = draws(1), g = draws(2);
  std::vector<double> want(w.begin(), w.end());
  for (size_t i = 0; i < kParameters; ++i) want[i] -= double{0.3f} * g[i];
  NumberBuffer<float> values(memory, w), gradients(memory, g);
  ops.sgd(values.span(), gradients.span(), 0.3f);
  expect_rounded(values.to_host(), want, "w");
}

TEST_P(DenseOptimizerTest, AdamMatchesDoubleFromAnyStateAtAnyStep) {
  DenseOptimizerConfig config;
  config.learning_rate = 0.01f;
  for (const uint64_t step : {1, 2, 3, 1000, 1'000'000'000}) {
    const std::vector<float> w = draws(1), m = draws(2), v = draws(3, true), g = draws(4);
    std::vector<double> want_w, want_m, want_v;
    for (size_t i = 0; i < kParameters; ++i) {
      const double b1 = config.beta1, b2 = config.beta2, t = static_cast<double>(step);
      want_m.push_back(b1 * m[i] + (1 - b1) * g[i]);
      want_v.push_back(b2 * v[i] + (1 - b2) * g[i] * g[i]);
      const double m_hat = want_m[i] / (1 - std::pow(b1, t));
      const double v_hat = want_v[i] / (1 - std::pow(b2, t));
      want_w.push_back(w[i] - config.learning_rate * m_hat / (std::sqrt(v_hat) + config.epsilon));
    }
    NumberBuffer<float> of_w(memory, w), of_m(memory, m), of_v(memory, v), of_g(memory, g);
    ops.adam({of_w.span(), of_m.span(), of_v.span(), of_g.span()}, adam_factors(config, step));
    expect_rounded(of_m.to_host(), want_m, "m");
    expect_rounded(of_v.to_host(), want_v, "v");
    expect_rounded(of_w.to_host(), want_w, "w");
  }
}

TEST_P(DenseOptimizerTest, AdamsFirstStepMovesByTheLearningRateAgainstTheGradient) {
  DenseOptimizerConfig config;
  config.learning_rate = 0.25f;
  const auto adam = make(config, 3);
  std::vector<float> w = {1.0f, 1.0f, 1.0f};
  step(*adam, w, {1e-3f, -50.0f, 0.0f}, 1);
  EXPECT_NEAR(w[0], 0.75f, 1e-5);
  EXPECT_NEAR(w[1], 1.25f, 1e-6);
  EXPECT_EQ(w[2], 1.0f);  // as the gaps between parameters
}

constexpr const char* kNames[] = {"sgd",  "momentum", "nesterov", "adagrad",
                                  "adam", "adamw",    "lamb"};

TEST_P(DenseOptimizerTest, RestoredStateGoesOnWithTheSameBits) {
  for (const char* name : kNames) {
    DenseOptimizerConfig config;
    config.name = name;
    const auto original = make(config, kParameters);
    const auto restored = make(config, kParameters);
    EXPECT_EQ(original->state().size(), original->state_names().size() * kParameters);
    EXPECT_THAT(state_of(*original), Each(0.0f));
    std::vector<float> w = draws(1);
    step(*original, w, draws(2), 1);
    set_state(*restored, state_of(*original));
    std::vector<float> copy = w;
    step(*original, w, draws(3), 2);
    step(*restored, copy, draws(3), 2);
    EXPECT_EQ(w, copy) << name;
  }
}

// One parameter that decays, a gap, one that does not.
const std::vector<ParameterInfo> kTwo = {
    {.name = "weight", .shape = {48}, .offset = 0, .size = 48, .decays = true},
    {.name = "bias", .shape = {39}, .offset = 64, .size = 39, .decays = false}};

// Steps of `name` from random values and state, against its formula for one element. `formula`
// changes w and the state (up to two) by g.
void DenseOptimizerTest::expect_matches_double(
    DenseOptimizerConfig config,
    const std::function<void(double& w, double* s, double g, size_t i)>& formula) const {
  const auto optimizer = make(config, {kParameters, kTwo});
  std::vector<float> w = draws(1);
  const std::vector<float> g = draws(4);
  const size_t states = optimizer->state_names().size();
  std::vector<float> state;
  for (size_t s = 0; s < states; ++s)
    std::ranges::copy(draws(2 + s, true), std::back_inserter(state));
  set_state(*optimizer, state);
  std::vector<double> want(w.begin(), w.end());
  std::vector<double> want_state(state.begin(), state.end());
  for (const ParameterInfo& info : kTwo) {
    for (size_t i = info.offset; i < info.offset + info.size; ++i) {
      double of_i[2] = {};
      for (size_t s = 0; s < states; ++s) of_i[s] = want_state[s * kParameters + i];
      formula(want[i], of_i, g[i], i);
      for (size_t s = 0; s < states; ++s) want_state[s * kParameters + i] = of_i[s];
    }
  }
  std::vector<float> masked = g;
  for (size_t i = 48; i < 64; ++i) masked[i] = 0.0f;  // as the model leaves gaps
  step(*optimizer, w, masked, 7);
  state = state_of(*optimizer);
  for (const ParameterInfo& info : kTwo) {
    for (size_t i = info.offset; i < info.offset + info.size; ++i) {
      EXPECT_NEAR(w[i], want[i], 1e-6 * std::max(1.0, std::abs(want[i])))
          << config.name << " " << i;
      for (size_t s = 0; s < states; ++s)
        EXPECT_NEAR(state[s * kParameters + i], want_state[s * kParameters + i],
                    1e-6 * std::max(1.0, std::abs(want_state[s * kParameters + i])));
    }
  }
}

TEST_P(DenseOptimizerTest, MomentumMatchesDouble) {
  const DenseOptimizerConfig config{.name = "momentum", .learning_rate = 0.1f, .momentum = 0.8f};
  expect_matches_double(config, [&](double& w, double* s, double g, size_t) {
    s[0] = config.momentum * s[0] + g;
    w -= config.learning_rate * s[0];
  });
}

TEST_P(DenseOptimizerTest, NesterovMatchesDouble) {
  const DenseOptimizerConfig config{.name = "nesterov", .learning_rate = 0.1f, .momentum = 0.8f};
  expect_matches_double(config, [&](double& w, double* s, double g, size_t) {
    s[0] = config.momentum * s[0] + g;
    w -= config.learning_rate * (g + config.momentum * s[0]);
  });
}

TEST_P(DenseOptimizerTest, AdagradMatchesDouble) {
  DenseOptimizerConfig config{.name = "adagrad", .learning_rate = 0.1f};
  config.initial_accumulator = 0.3f;
  expect_matches_double(config, [&](double& w, double* s, double g, size_t) {
    s[0] += g * g;
    w -= config.learning_rate * g / (std::sqrt(config.initial_accumulator + s[0]) + config.epsilon);
  });
}

double adam_direction(const DenseOptimizerConfig& config, double* s, double g, double t) {
  s[0] = config.beta1 * s[0] + (1 - double{config.beta1}) * g;
  s[1] = config.beta2 * s[1] + (1 - double{config.beta2}) * g * g;
  return s[0] / (1 - std::pow(config.beta1, t)) /
         (std::sqrt(s[1] / (1 - std::pow(config.beta2, t))) + config.epsilon);
}

TEST_P(DenseOptimizerTest, AdamwDecaysWeightsAlone) {
  DenseOptimizerConfig config{.name = "adamw", .learning_rate = 0.1f};
  config.weight_decay = 0.2f;
  expect_matches_double(config, [&](double& w, double* s, double g, size_t i) {
    const double decay = i < 48 ? config.weight_decay : 0;
    w -= config.learning_rate * (adam_direction(config, s, g, 7) + decay * w);
  });
}

TEST_P(DenseOptimizerTest, LambMovesEachLayerInProportionToItsNorm) {
  DenseOptimizerConfig config{.name = "lamb", .learning_rate = 0.1f};
  config.weight_decay = 0.2f;
  const std::vector<float> w0 = draws(1), m = draws(2, true), v = draws(3, true), g0 = draws(4);
  const auto direction = [&](size_t i) {
    double s[2] = {m[i], v[i]};
    return adam_direction(config, s, g0[i], 7) + (i < 48 ? config.weight_decay : 0) * w0[i];
  };
  double ratio[2];
  for (size_t layer = 0; layer < 2; ++layer) {
    double of_w = 0, of_u = 0;
    for (size_t i = kTwo[layer].offset; i < kTwo[layer].offset + kTwo[layer].size; ++i) {
      of_w += w0[i] * w0[i];
      of_u += direction(i) * direction(i);
    }
    ratio[layer] = std::sqrt(of_w / of_u);
  }
  expect_matches_double(config, [&](double& w, double* s, double g, size_t i) {
    w -= config.learning_rate * ratio[i < 48 ? 0 : 1] * direction(i);
    adam_direction(config, s, g, 7);
  });
}

// Optimizers leave the statistics of normalisations and the gaps between parameters alone.
TEST_P(DenseOptimizerTest, LeavesGapsAndStatisticsAlone) {
  const std::vector<ParameterInfo> parameters = {
      {.name = "weight", .shape = {20}, .offset = 0, .size = 20, .decays = true},
      {.name = "mean", .shape = {20}, .offset = 32, .size = 20, .trained = false},
      {.name = "scale", .shape = {7}, .offset = 64, .size = 7}};
  for (const char* name : kNames) {
    DenseOptimizerConfig config{.name = name, .learning_rate = 0.1f};
    config.weight_decay = 0.5f;
    const auto optimizer = make(config, {kParameters, parameters});
    std::vector<float> w = draws(1), g = draws(2);
    for (size_t i = 0; i < kParameters; ++i) {
      const bool in_gap = (i >= 20 && i < 32) || (i >= 52 && i < 64) || i >= 71;
      if (in_gap) w[i] = 0.0f;
      if (in_gap || (i >= 32 && i < 52)) g[i] = 0.0f;
    }
    std::vector<float> moved = w;
    for (uint64_t number = 1; number < 4; ++number) step(*optimizer, moved, g, number);
    for (size_t i = 0; i < kParameters; ++i)
      EXPECT_EQ(moved[i] != w[i], g[i] != 0.0f) << name << " " << i;
  }
}

TEST_P(DenseOptimizerTest, StepsWithoutNormsHaveTheBitsOfTheCpu) {
  for (const char* name : kNames) {
    if (name == std::string_view("lamb")) continue;
    const DenseOptimizerConfig config{.name = name, .learning_rate = 0.1f};
    const auto here = make(config, {kParameters, kTwo});
    const auto on_cpu = make_dense_optimizer(config, {kParameters, kTwo}).value();
    std::vector<float> w = draws(1), cpu_w = w;
    for (uint64_t number = 1; number < 4; ++number) {
      std::vector<float> g = draws(1 + number);
      step(*here, w, g, number);
      on_cpu->step(cpu_w, g, number);
    }
    EXPECT_EQ(w, cpu_w) << name;
    EXPECT_THAT(state_of(*here), ElementsAreArray(on_cpu->state())) << name;
  }
}

TEST_P(DenseOptimizerTest, ClipsByTheNormOfAllGradients) {
  DenseOptimizerConfig config{.name = "sgd", .learning_rate = 1.0f};
  config.clip_norm = 1.0f;
  const auto sgd = make(config, 2);
  std::vector<float> w = {0.0f, 0.0f};
  step(*sgd, w, {0.3f, -0.4f}, 1);  // short enough
  EXPECT_THAT(w, ElementsAre(-0.3f, 0.4f));
  w = {0.0f, 0.0f};
  step(*sgd, w, {3.0f, -4.0f}, 2);
  EXPECT_NEAR(w[0], -0.6f, 1e-6);
  EXPECT_NEAR(w[1], 0.8f, 1e-6);
}

// A device adds up in pieces.
constexpr size_t kLengths[] = {0, 1, 31, 33, 4095, 4096, 4097, 3 * 4096, 50'001};

double norm(const std::vector<float>& x) {
  double sum = 0.0;
  for (const float value : x) sum += double{value} * value;
  return std::sqrt(sum);
}

TEST_P(DenseOptimizerTest, ClipShortensToTheNormAtAnyLength) {
  for (const size_t length : kLengths) {
    const std::vector<float> g = draws(1, false, length);
    NumberBuffer<float> clipped(memory, g);
    ops.clip(clipped.span(), 1e6f);
    EXPECT_EQ(clipped.to_host(), g) << "short enough";
    ops.clip(clipped.span(), 0.25f);
    std::vector<double> want(g.begin(), g.end());
    const double factor = std::min(1.0, 0.25 / norm(g));
    for (double& x : want) x *= factor;
    expect_rounded(clipped.to_host(), want, std::to_string(length));
  }
}

TEST_P(DenseOptimizerTest, MovesByNormsAtAnyLength) {
  for (const size_t length : kLengths) {
    const std::vector<float> w = draws(1, false, length), u = draws(2, false, length);
    const double ratio = length == 0 ? 1.0 : norm(w) / norm(u);
    std::vector<double> want(w.begin(), w.end());
    for (size_t i = 0; i < length; ++i) want[i] -= double{0.3f} * ratio * u[i];
    NumberBuffer<float> values(memory, w), direction(memory, u);
    ops.move_by_norms(values.span(), direction.span(), 0.3f);
    expect_rounded(values.to_host(), want, std::to_string(length));
  }
}

TEST_P(DenseOptimizerTest, MovesByTheRateAloneWhereANormIsZero) {
  NumberBuffer<float> values(memory, 2), direction(memory, std::vector<float>{1.0f, -2.0f});
  ops.move_by_norms(values.span(), direction.span(), 0.5f);
  EXPECT_THAT(values.to_host(), ElementsAre(-0.5f, 1.0f));
  NumberBuffer<float> nowhere(memory, 2);
  ops.move_by_norms(values.span(), nowhere.span(), 0.5f);
  EXPECT_THAT(values.to_host(), ElementsAre(-0.5f, 1.0f));
}

INSTANTIATE_TEST_SUITE_P(EveryBackend, DenseOptimizerTest,
                         testing::ValuesIn(backends_in_this_build()), backend_name);

TEST(DenseOptimizer, NamesItsStateAndTheNamesItKnows) {
  EXPECT_THAT(make_dense_optimizer({}, 1).value()->state_names(), ElementsAre("m", "v"));
  const auto unknown = make_dense_optimizer({.name = "adamm"}, 1);
  EXPECT_EQ(unknown.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(unknown.error().message,
            "unknown dense optimizer 'adamm'; known: adagrad, adam, adamw, lamb, momentum, "
            "nesterov, sgd");
}

}  // namespace
}  // namespace cairn::math
