#include "ps/row/initializer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/seed.h"

namespace cairn::ps {
namespace {

std::vector<float> draw(Initializer kind, uint64_t seed, uint32_t table, Key key, size_t dim = 6) {
  std::vector<float> weights(dim, 99.0f);
  initial_weights({.kind = kind, .scale = 0.5f}, seed, table, key, weights);
  return weights;
}

TEST(Initializer, DependsOnSeedTableKeyAndPlaceAlone) {
  const uint64_t seed = test_seed();
  for (const Initializer kind : {Initializer::kUniform, Initializer::kNormal}) {
    const std::vector<float> weights = draw(kind, seed, 1, 2);
    EXPECT_EQ(draw(kind, seed, 1, 2), weights);
    EXPECT_NE(draw(kind, seed + 1, 1, 2), weights);
    EXPECT_NE(draw(kind, seed, 2, 2), weights);
    EXPECT_NE(draw(kind, seed, 1, 3), weights);
    const std::vector<float> longer = draw(kind, seed, 1, 2, 9);
    EXPECT_TRUE(std::equal(weights.begin(), weights.end(), longer.begin()));
    std::vector<float> sorted = longer;
    std::ranges::sort(sorted);
    EXPECT_EQ(std::unique(sorted.begin(), sorted.end()), sorted.end()) << "places share draws";
  }
  EXPECT_EQ(draw(Initializer::kZero, seed, 1, 2), std::vector<float>(6, 0.0f));
}

TEST(Initializer, HasTheDeviationAndBoundsThatItsScaleSays) {
  for (const Initializer kind : {Initializer::kUniform, Initializer::kNormal}) {
    double sum = 0, squares = 0, highest = 0;
    const size_t keys = 20'000, dim = 5;
    for (Key key = 0; key < keys; ++key) {
      for (const float weight : draw(kind, test_seed(), 3, key, dim)) {
        sum += weight;
        squares += double{weight} * weight;
        highest = std::max(highest, std::abs(double{weight}));
      }
    }
    const double count = keys * dim;
    const double deviation = kind == Initializer::kUniform ? 0.5 / std::sqrt(3.0) : 0.5;
    EXPECT_NEAR(sum / count, 0.0, 6 * deviation / std::sqrt(count));
    EXPECT_NEAR(std::sqrt(squares / count), deviation, 0.02 * deviation);
    if (kind == Initializer::kUniform) {
      EXPECT_LE(highest, 0.5);
    }
    EXPECT_GT(highest, kind == Initializer::kUniform ? 0.49 : 1.5);
  }
}

}  // namespace
}  // namespace cairn::ps
