#include "worker/optimizers/dense_optimizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

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
  for (const char* name : {"sgd", "adam"}) {
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

TEST(DenseOptimizer, NamesItsStateAndTheNamesItKnows) {
  EXPECT_THAT(make_dense_optimizer({}, 1).value()->state_names(), ElementsAre("m", "v"));
  const auto unknown = make_dense_optimizer({.name = "adamm"}, 1);
  EXPECT_EQ(unknown.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(unknown.error().message, "unknown dense optimizer 'adamm'; known: adam, sgd");
}

}  // namespace
}  // namespace cairn
