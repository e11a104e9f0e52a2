#include "common/random.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/seed.h"

namespace cairn {
namespace {

TEST(Philox, MatchesTheKnownAnswersOfRandom123) {
  EXPECT_EQ(philox(0, 0, 0), (PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox(~0ull, ~0ull, ~0ull),
            (PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox(0x299f31d0a4093822ull, 0x0370734413198a2eull, 0x85a308d3243f6a88ull),
            (PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomStream, StreamsOfOtherPurposesDiffer) {
  const uint64_t seed = test_seed();
  RandomStream a(seed, 1), b(seed, 2), c(seed, 1, 1), again(seed, 1);
  const uint64_t draw = a.next_u64();
  EXPECT_NE(draw, b.next_u64());
  EXPECT_NE(draw, c.next_u64());
  EXPECT_EQ(draw, again.next_u64());
}

TEST(RandomStream, UniformAndNormalHaveTheirMoments) {
  RandomStream random(test_seed(), 3);
  double sum = 0, normal = 0, square = 0;
  constexpr int n = 100'000;
  for (int i = 0; i < n; ++i) {
    const float u = random.next_float();
    ASSERT_GE(u, 0.0f);
    ASSERT_LT(u, 1.0f);
    sum += u;
    const double x = random.next_normal();
    normal += x;
    square += x * x;
  }
  EXPECT_NEAR(sum / n, 0.5, 6 * std::sqrt(1.0 / 12 / n));
  EXPECT_NEAR(normal / n, 0.0, 6 / std::sqrt(n));
  EXPECT_NEAR(square / n, 1.0, 6 * std::sqrt(2.0 / n));
}

TEST(RandomStream, BelowStaysBelow) {
  RandomStream random(test_seed(), 4);
  for (int i = 0; i < 1000; ++i) EXPECT_LT(random.next_below(7), 7u);
}

}  // namespace
}  // namespace cairn
