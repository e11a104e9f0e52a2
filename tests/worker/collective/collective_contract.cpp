#include "tests/worker/collective/collective_contract.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "common/random.h"

namespace cairn::collective {

namespace {

// Numbers of very different sizes, so that another order of summing gives other bits.
std::vector<float> values_of(uint32_t rank, size_t count, uint64_t seed) {
  RandomStream random(seed, rank, count);
  std::vector<float> values(count);
  for (float& value : values) {
    const float scale = std::ldexp(1.0f, static_cast<int>(random.next_below(40)) - 20);
    value = (random.next_float() - 0.5f) * scale;
  }
  return values;
}

std::vector<float> sums_in_rank_order(uint32_t ranks, size_t count, uint64_t seed) {
  std::vector<float> sums = values_of(0, count, seed);
  for (uint32_t rank = 1; rank < ranks; ++rank) {
    const std::vector<float> values = values_of(rank, count, seed);
    for (size_t i = 0; i < count; ++i) sums[i] += values[i];
  }
  return sums;
}

// Bits, not values: NaN payloads and signed zeros count.
size_t places_that_differ(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return std::max(a.size(), b.size());
  size_t differing = 0;
  for (size_t i = 0; i < a.size(); ++i)
    differing += std::bit_cast<uint32_t>(a[i]) != std::bit_cast<uint32_t>(b[i]);
  return differing;
}

std::string text_of(uint32_t rank, uint64_t round, uint64_t seed) {
  RandomStream random(seed, 1000 + rank, round);
  const size_t length = random.next_below(4) == 0 ? 0 : random.next_below(100'000);
  std::string text(length, '\0');
  for (char& byte : text) byte = static_cast<char>(random.next_u32());
  return text;
}

TEST_P(CollectiveContract, SumsInRankOrderWhateverTheLength) {
  GetParam().on_every_rank([](Collective& collective, uint64_t seed) {
    RandomStream random(seed, 7, 7);
    std::vector<size_t> counts = {0, 1, 2, 3, 5, collective.size(), collective.size() + 1, 70'001};
    for (int i = 0; i < 20; ++i) counts.push_back(random.next_below(20'000));
    for (const size_t count : counts) {
      std::vector<float> values = values_of(collective.rank(), count, seed);
      const auto controls = collective.all_reduce(values, Control{});
      ASSERT_TRUE(controls.ok()) << controls.error().message;
      const auto expected = sums_in_rank_order(collective.size(), count, seed);
      EXPECT_EQ(places_that_differ(values, expected), 0u) << count << " values";
    }
  });
}

TEST_P(CollectiveContract, GivesEveryRanksControlByRank) {
  GetParam().on_every_rank([](Collective& collective, uint64_t) {
    for (uint32_t round = 0; round < 50; ++round) {
      Control mine;
      mine.stop = collective.rank() == round % collective.size();
      mine.next_samples = 1000 * round + collective.rank();
      mine.losses[15] = 0.5 * collective.rank();
      std::vector<float> values(round % 3);
      const auto controls = collective.all_reduce(values, mine);
      ASSERT_TRUE(controls.ok()) << controls.error().message;
      ASSERT_EQ(controls.value().size(), collective.size());
      for (uint32_t rank = 0; rank < collective.size(); ++rank) {
        EXPECT_EQ(controls.value()[rank].stop, rank == round % collective.size());
        EXPECT_EQ(controls.value()[rank].next_samples, 1000 * round + rank);
        EXPECT_EQ(controls.value()[rank].losses[15], 0.5 * rank);
      }
    }
  });
}

TEST_P(CollectiveContract, GathersTextsOfUnequalLengths) {
  GetParam().on_every_rank([](Collective& collective, uint64_t seed) {
    for (uint64_t round = 0; round < 20; ++round) {
      const auto all = collective.all_gather(text_of(collective.rank(), round, seed));
      ASSERT_TRUE(all.ok()) << all.error().message;
      ASSERT_EQ(all.value().size(), collective.size());
      for (uint32_t rank = 0; rank < collective.size(); ++rank)
        EXPECT_TRUE(all.value()[rank] == text_of(rank, round, seed)) << "of rank " << rank;
    }
  });
}

TEST_P(CollectiveContract, GathersTextsToTheFirstRankAlone) {
  GetParam().on_every_rank([](Collective& collective, uint64_t seed) {
    for (uint64_t round = 0; round < 20; ++round) {
      const auto all = collective.gather_to_first(text_of(collective.rank(), round, seed));
      ASSERT_TRUE(all.ok()) << all.error().message;
      ASSERT_EQ(all.value().size(), collective.rank() == 0 ? collective.size() : 0);
      for (uint32_t rank = 0; rank < all.value().size(); ++rank)
        EXPECT_TRUE(all.value()[rank] == text_of(rank, round, seed)) << "of rank " << rank;
    }
    EXPECT_FALSE(collective.lost());
  });
}

TEST_P(CollectiveContract, KeepsCallsThatFollowOneAnotherApart) {
  GetParam().on_every_rank([](Collective& collective, uint64_t seed) {
    for (uint64_t round = 0; round < 200; ++round) {
      const size_t count = 1 + round % 7;
      std::vector<float> values = values_of(collective.rank(), count, seed + round);
      const auto controls = collective.all_reduce(values, Control{});
      ASSERT_TRUE(controls.ok()) << controls.error().message;
      const auto expected = sums_in_rank_order(collective.size(), count, seed + round);
      ASSERT_EQ(places_that_differ(values, expected), 0u) << "round " << round;
      const auto all = collective.all_gather(std::to_string(round));
      ASSERT_TRUE(all.ok()) << all.error().message;
      for (const std::string& text : all.value()) ASSERT_EQ(text, std::to_string(round));
    }
  });
}

}  // namespace

}  // namespace cairn::collective
