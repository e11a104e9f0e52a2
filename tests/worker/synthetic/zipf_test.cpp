#include "worker/synthetic/zipf.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/seed.h"

namespace cairn::synthetic {
namespace {

// Sum over cells of (observed - expected)^2 / expected. The tail shares cells that are expected to
// hold some draws each. `z`: how many deviations above its mean (Wilson and Hilferty, PNAS 17
// (1931)).
double chi_square_z(uint64_t cardinality, double exponent, uint64_t draws) {
  std::vector<double> expected(cardinality);
  double total = 0;
  for (uint64_t k = 0; k < cardinality; ++k)
    total += expected[k] = std::pow(static_cast<double>(k + 1), -exponent);
  std::vector<uint64_t> observed(cardinality);
  const ZipfSampler sample(cardinality, exponent);
  RandomStream random(test_seed(), 7, cardinality);
  for (uint64_t i = 0; i < draws; ++i) ++observed.at(sample(random));

  double chi_square = 0, cells = 0, cell_expected = 0, cell_observed = 0;
  for (uint64_t k = 0; k < cardinality; ++k) {
    cell_expected += expected[k] / total * static_cast<double>(draws);
    cell_observed += static_cast<double>(observed[k]);
    if (cell_expected < 20 && k + 1 < cardinality) continue;
    chi_square += (cell_observed - cell_expected) * (cell_observed - cell_expected) / cell_expected;
    cells += 1;
    cell_expected = cell_observed = 0;
  }
  const double freedom = cells - 1, spread = 2 / (9 * freedom);
  return (std::cbrt(chi_square / freedom) - (1 - spread)) / std::sqrt(spread);
}

TEST(ZipfSampler, FollowsItsLawByTheChiSquareTest) {
  for (const uint64_t cardinality : {2, 7, 1000, 50'000})
    for (const double exponent : {0.5, 1.0, 1.05, 2.0})
      EXPECT_LT(chi_square_z(cardinality, exponent, 200'000), 5.0)
          << cardinality << " " << exponent;
}

TEST(ZipfSampler, StaysInRangeForTheLargestCardinality) {
  const uint64_t n = 100'000'000;
  const ZipfSampler sample(n, 1.05);
  RandomStream random(test_seed(), 8);
  uint64_t firsts = 0, upper_half = 0;
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t k = sample(random);
    ASSERT_LT(k, n);
    firsts += k == 0;
    upper_half += k >= n / 2;
  }
  // The sum of k^-1.05 up to 1e8 is 12.62, its upper half 0.28.
  EXPECT_NEAR(static_cast<double>(firsts), 100'000 / 12.62, 700);
  EXPECT_NEAR(static_cast<double>(upper_half), 100'000 * 0.28 / 12.62, 400);
}

TEST(ZipfSampler, OfOneNumberGivesThatNumber) {
  RandomStream random(test_seed(), 9);
  const ZipfSampler sample(1, 1.0);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(sample(random), 0u);
}

}  // namespace
}  // namespace cairn::synthetic
