#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "common/config/learning_rate.h"
#include "common/random.h"
#include "ps/optimizers/bias_correction.h"
#include "ps/optimizers/finite.h"
#include "ps/optimizers/row_optimizer.h"
#include "tests/ps/optimizers/reference_formulas.h"
#include "tests/seed.h"

namespace cairn::ps {
namespace {

TEST(RowOptimizer, EveryOneIsComparedWithAReference) {
  ASSERT_EQ(row_optimizers().size(), std::size(reference::kFormulas));
  for (size_t i = 0; i < row_optimizers().size(); ++i)
    EXPECT_EQ(row_optimizers()[i].name, reference::kFormulas[i].name);
}

class RowOptimizers : public testing::TestWithParam<reference::Formula> {
 protected:
  RowOptimizers() {
    config_.name = GetParam().name;
    config_.learning_rate = 0.1f;
    config_.epsilon = 1e-3f;
    config_.initial_accumulator = 0.1f;
    config_.momentum = 0.7f;
    config_.decay = 0.8f;
    config_.rho = 0.9f;
    config_.beta1 = 0.8f;
    config_.beta2 = 0.99f;
    config_.beta = 0.7f;
    config_.l1 = 0.9f;
    config_.l2 = 1.3f;
  }

  // Rows at a random place of their training, and some that are new.
  void make_rows(const RowOptimizer& optimizer, size_t dim) {
    const size_t state = optimizer.state_floats(dim);
    for (size_t r = 0; r < kRows; ++r) {
      std::vector<float>& row = rows_.emplace_back(dim + state);
      for (float& value : row) value = random_.next_normal();
      const size_t first_square = dim + (GetParam().state_has_signs ? dim : 0);
      for (size_t i = first_square; i < row.size(); ++i) row[i] = std::abs(row[i]);
      if (r % 4 == 0) optimizer.init_state(std::span(row).subspan(dim));
      counts_.push_back(r % 4 == 0 ? 1 : 1 + static_cast<uint32_t>(random_.next_below(2000)));
      for (size_t i = 0; i < dim; ++i) gradients_.push_back(random_.next_normal());
    }
  }

  // The gradient that the formula is to see.
  std::vector<double> adjusted(const std::vector<float>& row, const float* gradient, size_t dim) {
    std::vector<double> g(gradient, gradient + dim);
    const double norm = reference::norm(g);
    const bool clips = config_.clip_norm > 0 && norm > double{config_.clip_norm};
    const bool decoupled = config_.name == "adamw" || config_.name == "lamb";
    for (size_t i = 0; i < dim; ++i) {
      if (clips) g[i] *= config_.clip_norm / norm;
      if (!decoupled) g[i] += double{config_.weight_decay} * row[i];
    }
    return g;
  }

  void compare(size_t dim, uint64_t step) {
    rows_.clear();
    counts_.clear();
    gradients_.clear();
    const auto optimizer = make_row_optimizer(config_).value();
    make_rows(*optimizer, dim);
    const auto before = rows_;
    std::vector<float*> pointers;
    for (auto& row : rows_) pointers.push_back(row.data());
    optimizer->update(pointers, counts_, dim, gradients_.data(), step);
    for (size_t r = 0; r < kRows; ++r) {
      const auto middle = before[r].begin() + static_cast<ptrdiff_t>(dim);
      reference::Row want = {{before[r].begin(), middle}, {middle, before[r].end()}};
      const auto g = adjusted(before[r], gradients_.data() + r * dim, dim);
      GetParam().step(want,
                      {config_, g, learning_rate(config_.learning_rate, config_.schedule, step),
                       static_cast<double>(counts_[r]), config_.epsilon});
      want.w.insert(want.w.end(), want.state.begin(), want.state.end());
      for (size_t i = 0; i < rows_[r].size(); ++i) {
        // Within some roundings of numbers of the size that are added up.
        const double scale = 1 + std::abs(before[r][i]) + std::abs(want.w[i]);
        ASSERT_NEAR(rows_[r][i], want.w[i], 16 * 6e-8 * scale)
            << "float " << i << " of row " << r << ", dim " << dim << ", step " << step;
      }
    }
  }

  static constexpr size_t kRows = 300;  // more than are updated at once
  RandomStream random_{test_seed(), 11};
  RowOptimizerConfig config_;
  std::vector<std::vector<float>> rows_;
  std::vector<uint32_t> counts_;
  std::vector<float> gradients_;
};

TEST_P(RowOptimizers, MatchFloat64FromRandomStateElementByElement) {
  for (size_t dim = 1; dim <= 65; ++dim) compare(dim, 1);
}

TEST_P(RowOptimizers, ClipDecayWeightsAndFollowTheSchedule) {
  config_.clip_norm = 2.5f;
  config_.weight_decay = 0.2f;
  config_.schedule = {.kind = Schedule::kCosine, .warmup_steps = 10, .decay_steps = 100};
  for (const size_t dim : {1, 7, 16, 33})
    for (const uint64_t step : {1, 9, 50, 1000}) compare(dim, step);
}

TEST_P(RowOptimizers, FirstStepOfANewRowFollowsTheGradient) {
  RowOptimizerConfig config;
  config.name = GetParam().name;
  config.learning_rate = 0.5f;
  const auto optimizer = make_row_optimizer(config).value();
  constexpr size_t kDim = 16;
  std::vector<float> row(kDim + optimizer->state_floats(kDim), -77.0f);
  optimizer->init_state(std::span(row).subspan(kDim));
  for (size_t i = 0; i < kDim; ++i) row[i] = 0;
  std::vector<float> gradient(kDim);
  for (float& g : gradient) g = random_.next_normal();
  float* const pointer = row.data();
  const uint32_t count = 1;
  optimizer->update({&pointer, 1}, {&count, 1}, kDim, gradient.data(), 1);
  for (size_t i = 0; i < kDim; ++i) {
    EXPECT_TRUE(std::isfinite(row[i]));
    EXPECT_LT(row[i] * gradient[i], 0.0f);
    // The first step is the learning rate, whatever the size of the gradient.
    if (config.name == "adagrad" || config.name == "adam") {
      EXPECT_NEAR(std::abs(row[i]), 0.5f, 1e-3f);
    }
  }
}

TEST_P(RowOptimizers, ComeCloserToTheMinimumOfASquare) {
  config_.learning_rate = config_.name == "adadelta" ? 1.0f : 0.05f;
  config_.l1 = config_.l2 = 0.0f;
  const auto optimizer = make_row_optimizer(config_).value();
  constexpr size_t kDim = 8;
  std::vector<float> row(kDim + optimizer->state_floats(kDim)), target(kDim), gradient(kDim);
  optimizer->init_state(std::span(row).subspan(kDim));
  for (size_t i = 0; i < kDim; ++i) {
    row[i] = random_.next_normal();
    target[i] = random_.next_normal();
  }
  const auto distance = [&] {
    double sum = 0;
    for (size_t i = 0; i < kDim; ++i) sum += std::pow(double{row[i]} - target[i], 2);
    return std::sqrt(sum);
  };
  const double at_first = distance();
  float* const pointer = row.data();
  for (uint32_t step = 1; step <= 3000; ++step) {
    for (size_t i = 0; i < kDim; ++i) gradient[i] = row[i] - target[i];
    optimizer->update({&pointer, 1}, {&step, 1}, kDim, gradient.data(), step);
  }
  EXPECT_LT(distance(), 0.2 * at_first);
}

INSTANTIATE_TEST_SUITE_P(Every, RowOptimizers, testing::ValuesIn(reference::kFormulas),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(RowOptimizer, AdagradStartsFromItsInitialAccumulator) {
  RowOptimizerConfig config;
  config.name = "adagrad";
  config.initial_accumulator = 0.25f;
  std::vector<float> state(5, -1.0f);
  make_row_optimizer(config).value()->init_state(state);
  EXPECT_EQ(state, std::vector<float>(5, 0.25f));
  config.name = "adam";  // which does not take it
  make_row_optimizer(config).value()->init_state(state);
  EXPECT_EQ(state, std::vector<float>(5, 0.0f));
}

TEST(RowOptimizer, GradientsWithinTheNormAreNotTouchedByClipping) {
  RandomStream random(test_seed(), 13);
  constexpr size_t kDim = 9;
  RowOptimizerConfig config;
  config.name = "sgd";
  config.learning_rate = 1.0f;
  config.clip_norm = 2.0f;
  const auto optimizer = make_row_optimizer(config).value();
  for (const double size : {0.5, 1.999, 2.1, 1e6}) {
    std::vector<float> row(kDim, 0.0f), gradient(kDim);
    for (float& g : gradient) g = random.next_normal();
    double norm = 0;
    for (const float g : gradient) norm += double{g} * g;
    for (float& g : gradient) g = static_cast<float>(g * size / std::sqrt(norm));
    float* const pointer = row.data();
    const uint32_t count = 1;
    optimizer->update({&pointer, 1}, {&count, 1}, kDim, gradient.data(), 1);
    double moved = 0;
    for (size_t i = 0; i < kDim; ++i) {
      if (size < 2) {
        EXPECT_EQ(row[i], -gradient[i]);
      }
      moved += double{row[i]} * row[i];
    }
    EXPECT_NEAR(std::sqrt(moved), std::min(size, 2.0), 1e-6);
  }
}

TEST(RowOptimizer, FtrlLeavesWeightsInPlaceWhenTheRateChanges) {
  RowOptimizerConfig config;
  config.name = "ftrl";
  config.learning_rate = 0.5f;
  config.schedule = {.kind = Schedule::kStep, .decay_steps = 10, .factor = 0.01f};
  const auto optimizer = make_row_optimizer(config).value();
  std::vector<float> row = {0.3f, 0.0f, 0.0f};  // w, z, n
  float* const pointer = row.data();
  const uint32_t count = 1;
  const auto update = [&](float gradient, uint64_t step) {
    optimizer->update({&pointer, 1}, {&count, 1}, 1, &gradient, step);
  };
  update(0.7f, 1);
  const float moved = row[0];
  EXPECT_LT(moved, 0.3f - 0.1f);
  update(0.0f, 100);
  EXPECT_NEAR(row[0], moved, 1e-6);
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
}  // namespace cairn::ps
