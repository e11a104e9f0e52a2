#include "ps/row/stochastic_rounding.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

#include "common/random.h"
#include "tests/seed.h"

namespace cairn::ps {
namespace {

// `rows` rows of `value`, rounded for keys from `first` on.
std::vector<std::vector<float>> rounded(uint64_t seed, uint32_t table, uint32_t step, Key first,
                                        size_t rows, size_t dim, float value) {
  std::vector<std::vector<float>> all(rows, std::vector<float>(dim, value));
  std::vector<float*> pointers;
  std::vector<Key> keys;
  for (size_t i = 0; i < rows; ++i) {
    pointers.push_back(all[i].data());
    keys.push_back(first + i);
  }
  StochasticRounding rounding(seed);
  rounding.round(pointers, keys, table, step, dim);
  return all;
}

TEST(StochasticRounding, DrawsOfTheGeneratorForTableKeyStepAndPlace) {
  RandomStream random(test_seed(), 50);
  const uint64_t seed = random.next_u64();
  constexpr uint64_t kPurpose = 0x726f756e642d30ull;
  for (const size_t dim : {1, 8, 13, 40}) {
    const Key first = random.next_u64();
    const float value = random.next_normal();
    const auto rows = rounded(seed, 5, 77, first, 9, dim, value);
    for (size_t r = 0; r < rows.size(); ++r) {
      for (size_t i = 0; i < dim; ++i) {
        const PhiloxBlock block = philox(hash_key(seed ^ kPurpose), first + r,
                                         uint64_t{77} << 32 | uint64_t{5} << 16 | i / 8);
        const uint32_t bits = block[i % 8 / 2] >> (i % 2 * 16) & 0xFFFF;
        const uint32_t sum = std::bit_cast<uint32_t>(value) + bits;
        ASSERT_EQ(rows[r][i], std::bit_cast<float>(sum & 0xFFFF0000u)) << r << ' ' << i;
      }
    }
  }
}

TEST(StochasticRounding, RowsAreRoundedAlikeAloneAndBesideOthers) {
  const float value = 0.123456f;
  const auto together = rounded(1, 2, 3, 100, 64, 16, value);
  for (size_t i = 0; i < 64; ++i)
    EXPECT_EQ(together[i], rounded(1, 2, 3, 100 + i, 1, 16, value)[0]);
  EXPECT_NE(together, rounded(2, 2, 3, 100, 64, 16, value));
  EXPECT_NE(together, rounded(1, 1, 3, 100, 64, 16, value));
  EXPECT_NE(together, rounded(1, 2, 4, 100, 64, 16, value));
}

TEST(StochasticRounding, IsTheValueInTheMeanOverManyKeys) {
  RandomStream random(test_seed(), 51);
  for (int round = 0; round < 5; ++round) {
    const float value = random.next_normal();
    const double distance = std::abs(double{value}) / 128;  // at most, between neighbours
    const uint64_t seed = random.next_u64();
    double sum = 0;
    constexpr size_t kBatches = 200;
    for (size_t batch = 0; batch < kBatches; ++batch)
      for (const auto& row : rounded(seed, 0, 1, batch * 64, 64, 16, value))
        for (const float weight : row) sum += double{weight} - value;
    const double draws = kBatches * 64 * 16;
    // Six deviations of the mean of draws whose own is at most half the distance.
    EXPECT_LT(std::abs(sum / draws), 6 * 0.5 * distance / std::sqrt(draws)) << value;
  }
}

}  // namespace
}  // namespace cairn::ps
