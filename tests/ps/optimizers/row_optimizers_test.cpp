#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "common/random.h"
#include "ps/optimizers/adam.h"
#include "ps/optimizers/finite.h"
#include "ps/optimizers/row_optimizer.h"
#include "tests/seed.h"

namespace cairn {
namespace {

// One element of a row in double: w, and up to two of state.
struct Element {
  double w, s1, s2;
};

struct Case {
  std::string name;
  size_t state_per_weight;
  // The formula of the paper.
  std::function<Element(Element, double g, uint32_t count, const RowOptimizerConfig&)> step;
};

Element sgd(Element e, double g, uint32_t, const RowOptimizerConfig& c) {
  e.w -= double{c.learning_rate} * g;
  return e;
}

Element adagrad(Element e, double g, uint32_t, const RowOptimizerConfig& c) {
  e.s1 += g * g;
  e.w -= double{c.learning_rate} * g / (std::sqrt(e.s1) + double{c.epsilon});
  return e;
}

Element adam(Element e, double g, uint32_t count, const RowOptimizerConfig& c) {
  const double beta1 = c.beta1, beta2 = c.beta2;
  e.s1 = beta1 * e.s1 + (1 - beta1) * g;
  e.s2 = beta2 * e.s2 + (1 - beta2) * g * g;
  const double m = e.s1 / (1 - std::pow(beta1, count)), v = e.s2 / (1 - std::pow(beta2, count));
  e.w -= double{c.learning_rate} * m / (std::sqrt(v) + double{c.epsilon});
  return e;
}

// Within some roundings of numbers of this size.
void expect_close(float got, double want, double scale) {
  EXPECT_NEAR(got, want, 16 * 6e-8 * (std::abs(want) + scale));
}

class RowOptimizers : public testing::TestWithParam<Case> {
 protected:
  RandomStream random_{test_seed(), 11};
};

TEST_P(RowOptimizers, MatchFloat64FromRandomStateElementByElement) {
  for (const size_t dim : {1, 2, 7, 8, 16, 17, 33}) {
    RowOptimizerConfig config;
    config.name = GetParam().name;
    config.epsilon = 1e-3f;
    config.beta1 = 0.8f;
    config.beta2 = 0.99f;
    config.learning_rate = 0.1f;
    const auto optimizer = make_row_optimizer(config).value();
    const size_t state = optimizer->state_floats(dim);
    ASSERT_EQ(state, dim * GetParam().state_per_weight);

    constexpr size_t kRows = 300;
    std::vector<std::vector<float>> rows(kRows, std::vector<float>(dim + state));
    std::vector<float*> pointers;
    std::vector<uint32_t> counts;
    std::vector<float> gradients;
    for (auto& row : rows) {
      for (size_t i = 0; i < row.size(); ++i) {
        row[i] = random_.next_normal();
        // The last dim floats of state are sums of squares, in Adagrad and in Adam.
        if (i >= row.size() - dim && state > 0) row[i] = std::abs(row[i]);
      }
      pointers.push_back(row.data());
      counts.push_back(1 + static_cast<uint32_t>(random_.next_below(2000)));
      for (size_t i = 0; i < dim; ++i) gradients.push_back(random_.next_normal());
    }
    const auto before = rows;
    optimizer->update(pointers, counts, dim, gradients.data(), {1, config.learning_rate});

    for (size_t r = 0; r < kRows; ++r) {
      const auto at = [&](const std::vector<float>& row, size_t part, size_t i) {
        return part * dim + i < row.size() ? row[part * dim + i] : 0.0f;
      };
      for (size_t i = 0; i < dim; ++i) {
        const Element start = {at(before[r], 0, i), at(before[r], 1, i), at(before[r], 2, i)};
        const Element want = GetParam().step(start, gradients[r * dim + i], counts[r], config);
        expect_close(at(rows[r], 0, i), want.w, std::abs(start.w) + std::abs(want.w - start.w));
        expect_close(at(rows[r], 1, i), want.s1,
                     std::abs(start.s1) + std::abs(gradients[r * dim + i]));
        expect_close(at(rows[r], 2, i), want.s2, std::abs(start.s2));
      }
    }
  }
}

TEST_P(RowOptimizers, FirstStepOfANewRowFollowsTheGradient) {
  RowOptimizerConfig config;
  config.name = GetParam().name;
  const auto optimizer = make_row_optimizer(config).value();
  constexpr size_t kDim = 16;
  std::vector<float> row(kDim + optimizer->state_floats(kDim), -77.0f);
  optimizer->init_state(std::span(row).subspan(kDim));
  for (size_t i = 0; i < kDim; ++i) row[i] = 0;
  std::vector<float> gradient(kDim);
  for (float& g : gradient) g = random_.next_normal();
  float* const pointer = row.data();
  const uint32_t count = 1;
  optimizer->update({&pointer, 1}, {&count, 1}, kDim, gradient.data(), {1, 0.5f});
  for (size_t i = 0; i < kDim; ++i) {
    EXPECT_TRUE(std::isfinite(row[i]));
    EXPECT_LE(row[i] * gradient[i], 0.0f);
    // Adagrad and Adam: the first step is the learning rate, whatever the size of the gradient.
    if (config.name != "sgd") {
      EXPECT_NEAR(std::abs(row[i]), 0.5f, 1e-3f);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Every, RowOptimizers,
                         testing::Values(Case{"sgd", 0, sgd}, Case{"adagrad", 1, adagrad},
                                         Case{"adam", 2, adam}),
                         [](const auto& info) { return info.param.name; });

TEST(RowOptimizer, AdagradStartsFromItsInitialAccumulator) {
  RowOptimizerConfig config;
  config.name = "adagrad";
  config.initial_accumulator = 0.25f;
  std::vector<float> state(5, -1.0f);
  make_row_optimizer(config).value()->init_state(state);
  EXPECT_EQ(state, std::vector<float>(5, 0.25f));
}

TEST(RowOptimizer, AnUnknownNameIsAnsweredWithTheKnownOnes) {
  RowOptimizerConfig config;
  config.name = "adagard";
  const auto made = make_row_optimizer(config);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(made.error().message.find("adagard"), std::string::npos);
  EXPECT_NE(made.error().message.find("adagrad"), std::string::npos);
}

TEST(BiasCorrection, IsTheFormulaInsideItsTableAndBeyond) {
  for (const double beta : {0.0, 0.9, 0.999, 0.99999}) {
    const BiasCorrection correction(beta);
    for (const uint32_t n : {1u, 2u, 10u, 1'000u, 65'535u, 65'536u, 100'000u, 4'000'000'000u})
      EXPECT_EQ(correction(n), static_cast<float>(1 / (1 - std::pow(beta, n)))) << beta << ' ' << n;
  }
}

TEST(AllFinite, SeesOneBadNumberAtEveryPlace) {
  RandomStream random(test_seed(), 12);
  const float bad[] = {
      std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::quiet_NaN(),
      std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()};
  for (size_t n = 0; n < 70; ++n) {
    std::vector<float> values(n);
    for (float& value : values) value = random.next_normal();
    if (n > 2) values[0] = std::numeric_limits<float>::max();
    if (n > 2) values[1] = std::numeric_limits<float>::denorm_min();
    EXPECT_TRUE(all_finite(values));
    for (size_t i = 0; i < n; ++i) {
      const float good = values[i];
      values[i] = bad[random.next_below(4)];
      EXPECT_FALSE(all_finite(values)) << i << " of " << n;
      values[i] = good;
    }
  }
}

}  // namespace
}  // namespace cairn
