#include "worker/evaluation/quality.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "tests/seed.h"

namespace cairn::evaluation {
namespace {

using Pairs = std::vector<PredictionPair>;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// A prediction out of `levels` values, so few levels make many ties.
Pairs random_pairs(std::mt19937_64& random, size_t count, int levels) {
  Pairs pairs(count);
  for (PredictionPair& pair : pairs) {
    pair.prediction = static_cast<float>(random() % levels + 1) / static_cast<float>(levels + 1);
    pair.label = std::uniform_real_distribution<float>()(random) < pair.prediction ? 1.0f : 0.0f;
  }
  return pairs;
}

// The definition: every positive against every negative.
double brute_force_auc(const Pairs& pairs) {
  uint64_t twice_won = 0, compared = 0;
  for (const PredictionPair& a : pairs)
    for (const PredictionPair& b : pairs) {
      if (a.label != 1.0f || b.label != 0.0f) continue;
      ++compared;
      twice_won += a.prediction > b.prediction ? 2 : a.prediction == b.prediction ? 1 : 0;
    }
  return static_cast<double>(twice_won) / 2.0 / static_cast<double>(compared);
}

TEST(TaskQuality, AucIsThatOfEveryPairCompared) {
  std::mt19937_64 random(test_seed());
  for (const int levels : {2, 5, 50, 1 << 20}) {
    Pairs pairs = random_pairs(random, 500, levels);
    pairs.push_back({0.5f, 0.0f});  // both classes, whatever was drawn
    pairs.push_back({0.5f, 1.0f});
    EXPECT_DOUBLE_EQ(measure(pairs, Loss::kBce).auc.value(), brute_force_auc(pairs)) << levels;
  }
}

TEST(TaskQuality, AucKnowsTheCornerCases) {
  EXPECT_EQ(measure({{0.9f, 1}, {0.8f, 1}, {0.2f, 0}, {0.1f, 0}}, Loss::kBce).auc, 1.0);
  EXPECT_EQ(measure({{0.9f, 0}, {0.8f, 0}, {0.2f, 1}, {0.1f, 1}}, Loss::kBce).auc, 0.0);
  EXPECT_EQ(measure({{0.5f, 0}, {0.5f, 0}, {0.5f, 1}}, Loss::kBce).auc, 0.5);
  EXPECT_EQ(measure({{0.0f, 0}, {-0.0f, 1}}, Loss::kBce).auc, 0.5)
      << "zeros of both signs are tied";
  EXPECT_EQ(measure({{kInfinity, 1}, {0.5f, 0}}, Loss::kBce).auc, 1.0);
}

TEST(TaskQuality, WhatIsUndefinedIsAbsent) {
  const TaskQuality one_class = measure({{0.5f, 1}, {0.4f, 1}}, Loss::kBce);
  EXPECT_FALSE(one_class.auc);
  EXPECT_TRUE(one_class.logloss);
  EXPECT_TRUE(one_class.calibration);
  EXPECT_FALSE(measure({{0.5f, 0}}, Loss::kBce).calibration) << "the mean label is 0";

  for (const Pairs& pairs : {Pairs{}, Pairs{{kNan, 1}, {0.5f, 0}}, Pairs{{0.5f, kNan}, {0.4f, 1}}})
    for (const Loss loss : {Loss::kBce, Loss::kMse}) {
      const TaskQuality quality = measure(pairs, loss);
      EXPECT_EQ(quality.samples, pairs.size());
      EXPECT_FALSE(quality.auc || quality.logloss || quality.rmse || quality.calibration);
    }
}

TEST(TaskQuality, OrderOfRowsChangesNoBit) {
  std::mt19937_64 random(test_seed());
  for (const Loss loss : {Loss::kBce, Loss::kMse}) {
    Pairs pairs = random_pairs(random, 5000, 300);
    const TaskQuality first = measure(pairs, loss);
    for (int i = 0; i < 5; ++i) {
      std::shuffle(pairs.begin(), pairs.end(), random);
      const TaskQuality again = measure(pairs, loss);
      EXPECT_EQ(again.auc, first.auc);
      EXPECT_EQ(again.logloss, first.logloss);
      EXPECT_EQ(again.rmse, first.rmse);
      EXPECT_EQ(again.calibration, first.calibration);
    }
  }
}

TEST(TaskQuality, LoglossAndCalibrationFollowTheirFormulas) {
  const TaskQuality quality = measure({{0.8f, 1}, {0.3f, 0}, {0.6f, 0}}, Loss::kBce);
  EXPECT_NEAR(quality.logloss.value(), -(std::log(0.8) + std::log(0.7) + std::log(0.4)) / 3, 1e-7);
  EXPECT_NEAR(quality.calibration.value(), 1.7, 1e-6);
  EXPECT_FALSE(quality.rmse);
}

TEST(TaskQuality, CertainAndWrongCostsNoMoreThanTheClip) {
  EXPECT_NEAR(measure({{0.0f, 1}}, Loss::kBce).logloss.value(), -std::log(1e-7), 1e-9);
  EXPECT_NEAR(measure({{1.0f, 0}}, Loss::kBce).logloss.value(), -std::log(1e-7), 1e-6);
  EXPECT_NEAR(measure({{1.0f, 1}}, Loss::kBce).logloss.value(), 1e-7, 1e-9);
}

TEST(TaskQuality, RmseFollowsItsFormula) {
  const TaskQuality quality = measure({{1, 2}, {3, 1}, {5, 5}, {2, 4}}, Loss::kMse);
  EXPECT_DOUBLE_EQ(quality.rmse.value(), 1.5);
  EXPECT_DOUBLE_EQ(quality.calibration.value(), 11.0 / 12.0);
  EXPECT_FALSE(quality.auc || quality.logloss);
}

TEST(TaskQuality, OrderOfTiedRowsChangesNoBit) {
  // All tied, and labels that cancel out but for one, over so many magnitudes that even a
  // compensated sum depends on its order.
  std::mt19937_64 random(test_seed());
  Pairs pairs = {{1.0f, 1.0f}};
  for (int i = 0; i < 1000; ++i) {
    const float label = std::pow(10.0f, std::uniform_real_distribution<float>(-30, 30)(random));
    pairs.push_back({1.0f, label});
    pairs.push_back({1.0f, -label});
  }
  const TaskQuality first = measure(pairs, Loss::kMse);
  for (int i = 0; i < 20; ++i) {
    std::shuffle(pairs.begin(), pairs.end(), random);
    EXPECT_EQ(measure(pairs, Loss::kMse).calibration, first.calibration);
  }
}

TEST(TaskQuality, SumsKeepSmallTermsBesideALargeOne) {
  // 1e12 and then a million times 1e-4: added plainly, each of these is rounded.
  Pairs pairs(1'000'000, {0.01f, 0.0f});
  pairs.push_back({-1e6f, 0.0f});
  const double small = static_cast<double>(0.01f) * 0.01f;
  EXPECT_DOUBLE_EQ(std::pow(measure(pairs, Loss::kMse).rmse.value(), 2) * 1'000'001,
                   1e12 + 1e6 * small);
}

TEST(TaskQuality, IsFoundByTheNamesOfTheJobFile) {
  const TaskQuality quality{
      .samples = 1, .auc = 0.1, .logloss = 0.2, .rmse = 0.3, .calibration = 0.4};
  EXPECT_EQ(quality_named(quality, "auc"), 0.1);
  EXPECT_EQ(quality_named(quality, "logloss"), 0.2);
  EXPECT_EQ(quality_named(quality, "rmse"), 0.3);
  EXPECT_EQ(quality_named(quality, "calibration"), 0.4);
  EXPECT_EQ(quality_named(quality, "AUC"), std::nullopt);
}

}  // namespace
}  // namespace cairn::evaluation
