#include "worker/optimizers/dense_optimizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "common/random.h"
#include "tests/seed.h"
#include "worker/optimizers/adam.h"
#include "worker/optimizers/sgd.h"

namespace cairn {
namespace {

using testing::Each;
using testing::ElementsAre;

constexpr size_t kParameters = 103;  // no multiple of a vector register

std::vector<float> draws(uint64_t place, bool positive = false) {
  RandomStream random(test_seed(), 2000, place);
  std::vector<float> all(kParameters);
  for (float& x : all) x = positive ? random.next_float() : random.next_normal();
  return all;
}

void expect_rounded(const std::vector<float>& got, const std::vector<double>& want,
                    const std::string& what) {
  for (size_t i = 0; i < want.size(); ++i)
    EXPECT_NEAR(got[i], want[i], 4e-7 * std::max(1.0, std::abs(want[i]))) << what << " " << i;
}

TEST(Sgd, MatchesDouble) {
  std::vector<float> w = draws(1);
  const std::vector<float> g = draws(2);
  std::vector<double> want(w.begin(), w.end());
  for (size_t i = 0; i < kParameters; ++i) want[i] -= double{0.3f} * g[i];
  sgd_update(w, g, 0.3f);
  expect_rounded(w, want, "w");
}

TEST(Adam, MatchesDoubleFromAnyStateAtAnyStep) {
  DenseOptimizerConfig config;
  config.learning_rate = 0.01f;
  for (const uint64_t step : {1, 2, 3, 1000, 1'000'000'000}) {
    std::vector<float> w = draws(1), m = draws(2), v = draws(3, true);
    const std::vector<float> g = draws(4);
    std::vector<double> want_w, want_m, want_v;
    for (size_t i = 0; i < kParameters; ++i) {
      const double b1 = config.beta1, b2 = config.beta2, t = static_cast<double>(step);
      want_m.push_back(b1 * m[i] + (1 - b1) * g[i]);
      want_v.push_back(b2 * v[i] + (1 - b2) * g[i] * g[i]);
      const double m_hat = want_m[i] / (1 - std::pow(b1, t));
      const double v_hat = want_v[i] / (1 - std::pow(b2, t));
      want_w.push_back(w[i] - config.learning_rate * m_hat / (std::sqrt(v_hat) + config.epsilon));
    }
    adam_update(w, m, v, g, config, step);
    expect_rounded(m, want_m, "m");
    expect_rounded(v, want_v, "v");
    expect_rounded(w, want_w, "w");
  }
}

TEST(Adam, TheFirstStepMovesByTheLearningRateAgainstTheGradient) {
  DenseOptimizerConfig config;
  config.learning_rate = 0.25f;
  const auto adam = make_dense_optimizer(config, 3).value();
  std::vector<float> w = {1.0f, 1.0f, 1.0f};
  adam->step(w, std::vector<float>{1e-3f, -50.0f, 0.0f}, 1);
  EXPECT_NEAR(w[0], 0.75f, 1e-5);
  EXPECT_NEAR(w[1], 1.25f, 1e-6);
  EXPECT_EQ(w[2], 1.0f);  // as the gaps between parameters
}

TEST(DenseOptimizer, RestoredStateGoesOnWithTheSameBits) {
  for (const char* name : {"sgd", "momentum", "nesterov", "adagrad", "adam", "adamw", "lamb"}) {
    DenseOptimizerConfig config;
    config.name = name;
    const auto original = make_dense_optimizer(config, kParameters).value();
    const auto restored = make_dense_optimizer(config, kParameters).value();
    EXPECT_EQ(original->state().size(), original->state_names().size() * kParameters);
    EXPECT_THAT(original->state(), Each(0.0f));
    std::vector<float> w = draws(1);
    original->step(w, draws(2), 1);
    std::ranges::copy(original->state(), restored->state().begin());
    std::vector<float> copy = w;
    original->step(w, draws(3), 2);
    restored->step(copy, draws(3), 2);
    EXPECT_EQ(w, copy) << name;
  }
}

// One parameter that decays, a gap, one that does not.
const std::vector<ParameterInfo> kTwo = {
    {.name = "weight", .shape = {48}, .offset = 0, .size = 48, .decays = true},
    {.name = "bias", .shape = {39}, .offset = 64, .size = 39, .decays = false}};

// Steps of `name` from random values and state, against its formula for one element. `formula`
// changes w and the state (up to two) by g.
void expect_matches_double(
    DenseOptimizerConfig config,
    const std::function<void(double& w, double* s, double g, size_t i)>& formula) {
  const auto optimizer = make_dense_optimizer(config, {kParameters, kTwo}).value();
  std::vector<float> w = draws(1);
  const std::vector<float> g = draws(4);
  const size_t states = optimizer->state_names().size();
  for (size_t s = 0; s < states; ++s)
    std::ranges::copy(draws(2 + s, true),
                      optimizer->state().begin() + static_cast<ptrdiff_t>(s * kParameters));
  std::vector<double> want(w.begin(), w.end());
  std::vector<double> want_state(optimizer->state().begin(), optimizer->state().end());
  for (const ParameterInfo& info : kTwo) {
    for (size_t i = info.offset; i < info.offset + info.size; ++i) {
      double state[2] = {};
      for (size_t s = 0; s < states; ++s) state[s] = want_state[s * kParameters + i];
      formula(want[i], state, g[i], i);
      for (size_t s = 0; s < states; ++s) want_state[s * kParameters + i] = state[s];
    }
  }
  std::vector<float> masked = g;
  for (size_t i = 48; i < 64; ++i) masked[i] = 0.0f;  // as the model leaves gaps
  optimizer->step(w, masked, 7);
  for (const ParameterInfo& info : kTwo) {
    for (size_t i = info.offset; i < info.offset + info.size; ++i) {
      EXPECT_NEAR(w[i], want[i], 1e-6 * std::max(1.0, std::abs(want[i])))
          << config.name << " " << i;
      for (size_t s = 0; s < states; ++s)
        EXPECT_NEAR(optimizer->state()[s * kParameters + i], want_state[s * kParameters + i],
                    1e-6 * std::max(1.0, std::abs(want_state[s * kParameters + i])));
    }
  }
}

TEST(DenseOptimizer, MomentumMatchesDouble) {
  const DenseOptimizerConfig config{.name = "momentum", .learning_rate = 0.1f, .momentum = 0.8f};
  expect_matches_double(config, [&](double& w, double* s, double g, size_t) {
    s[0] = config.momentum * s[0] + g;
    w -= config.learning_rate * s[0];
  });
}

TEST(DenseOptimizer, NesterovMatchesDouble) {
  const DenseOptimizerConfig config{.name = "nesterov", .learning_rate = 0.1f, .momentum = 0.8f};
  expect_matches_double(config, [&](double& w, double* s, double g, size_t) {
    s[0] = config.momentum * s[0] + g;
    w -= config.learning_rate * (g + config.momentum * s[0]);
  });
}

TEST(DenseOptimizer, AdagradMatchesDouble) {
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

TEST(DenseOptimizer, AdamwDecaysWeightsAlone) {
  DenseOptimizerConfig config{.name = "adamw", .learning_rate = 0.1f};
  config.weight_decay = 0.2f;
  expect_matches_double(config, [&](double& w, double* s, double g, size_t i) {
    const double decay = i < 48 ? config.weight_decay : 0;
    w -= config.learning_rate * (adam_direction(config, s, g, 7) + decay * w);
  });
}

TEST(DenseOptimizer, LambMovesEachLayerInProportionToItsNorm) {
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

TEST(DenseOptimizer, ClipsByTheNormOfAllGradients) {
  DenseOptimizerConfig config{.name = "sgd", .learning_rate = 1.0f};
  config.clip_norm = 1.0f;
  const auto sgd = make_dense_optimizer(config, 2).value();
  std::vector<float> w = {0.0f, 0.0f};
  sgd->step(w, std::vector<float>{0.3f, -0.4f}, 1);  // short enough
  EXPECT_THAT(w, ElementsAre(-0.3f, 0.4f));
  w = {0.0f, 0.0f};
  sgd->step(w, std::vector<float>{3.0f, -4.0f}, 2);
  EXPECT_NEAR(w[0], -0.6f, 1e-6);
  EXPECT_NEAR(w[1], 0.8f, 1e-6);
}

TEST(DenseOptimizer, NamesItsStateAndTheNamesItKnows) {
  EXPECT_THAT(make_dense_optimizer({}, 1).value()->state_names(), ElementsAre("m", "v"));
  const auto unknown = make_dense_optimizer({.name = "adamm"}, 1);
  EXPECT_EQ(unknown.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(unknown.error().message,
            "unknown dense optimizer 'adamm'; known: adagrad, adam, adamw, lamb, momentum, "
            "nesterov, sgd");
}

}  // namespace
}  // namespace cairn
