#include "worker/synthetic/best_scores.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "common/random.h"
#include "tests/seed.h"

namespace cairn::synthetic {
namespace {

struct Sample {
  std::vector<double> probabilities;
  std::vector<float> labels;
};

// Few distinct probabilities, so that many are equal.
Sample draw(size_t count, uint64_t distinct) {
  RandomStream random(test_seed(), 10, count);
  Sample sample;
  for (size_t i = 0; i < count; ++i) {
    const double p =
        (static_cast<double>(random.next_below(distinct)) + 0.5) / static_cast<double>(distinct);
    sample.probabilities.push_back(p);
    sample.labels.push_back(random.next_double() < p ? 1.0f : 0.0f);
  }
  return sample;
}

TEST(BestScores, MatchTheCountingOfAllPairs) {
  const Sample s = draw(700, 40);
  double above = 0, pairs = 0, expected_above = 0, expected_pairs = 0, logloss = 0, entropy = 0;
  for (size_t i = 0; i < s.labels.size(); ++i) {
    const double p = s.probabilities[i];
    logloss -= std::log(s.labels[i] == 1.0f ? p : 1 - p);
    entropy -= p * std::log(p) + (1 - p) * std::log(1 - p);
    for (size_t j = 0; j < s.labels.size(); ++j) {
      if (i == j) continue;
      const double q = s.probabilities[j];
      const double stands_above = p > q ? 1.0 : p == q ? 0.5 : 0.0;
      const double pair = s.labels[i] == 1.0f && s.labels[j] == 0.0f ? 1.0 : 0.0;
      above += pair * stands_above;
      pairs += pair;
      expected_above += p * (1 - q) * stands_above;
      expected_pairs += p * (1 - q);
    }
  }
  const double n = static_cast<double>(s.labels.size());
  const BestScores best = best_scores("t", s.probabilities, s.labels);
  EXPECT_NEAR(best.auc, above / pairs, 1e-12);
  EXPECT_NEAR(best.expected_auc, expected_above / expected_pairs, 1e-12);
  EXPECT_NEAR(best.logloss, logloss / n, 1e-12);
  EXPECT_NEAR(best.expected_logloss, entropy / n, 1e-12);
}

TEST(BestScores, NoOtherOrderOfTheSamplesDoesBetter) {
  const Sample s = draw(20'000, 1000);
  const double best = best_scores("t", s.probabilities, s.labels).auc;
  RandomStream random(test_seed(), 11);
  std::vector<double> noisy = s.probabilities;
  for (double& p : noisy) p += 0.2 * random.next_normal();
  for (double& p : noisy) p = 1 / (1 + std::exp(-p));
  EXPECT_LT(best_scores("t", noisy, s.labels).auc, best);
}

TEST(BestScores, OfOneClassAreAHalf) {
  const std::vector<double> p = {0.2, 0.4};
  const std::vector<float> y = {0, 0};
  EXPECT_EQ(best_scores("t", p, y).auc, 0.5);
  EXPECT_EQ(best_scores("t", {}, {}).auc, 0.5);
}

}  // namespace
}  // namespace cairn::synthetic
