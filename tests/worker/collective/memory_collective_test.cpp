#include "worker/collective/memory_collective.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/seed.h"
#include "tests/worker/collective/collective_contract.h"

namespace cairn::collective {

namespace {

CollectiveKind threads(uint32_t ranks) {
  return {std::to_string(ranks) + "Threads", [ranks](const auto& body) {
            auto collectives = make_memory_collectives(ranks);
            std::vector<std::jthread> running;
            for (auto& collective : collectives)
              running.emplace_back([&collective, &body] { body(*collective, test_seed()); });
          }};
}

INSTANTIATE_TEST_SUITE_P(Memory, CollectiveContract,
                         testing::Values(threads(1), threads(2), threads(3), threads(4),
                                         threads(7)),
                         [](const auto& test) { return test.param.name; });

TEST(MemoryCollective, CallsOfTheOthersFailWhenARankLeaves) {
  auto collectives = make_memory_collectives(3);
  std::vector<std::jthread> running;
  for (uint32_t rank = 0; rank < 2; ++rank)
    running.emplace_back([&collective = *collectives[rank], rank] {
      std::vector<float> values(10, 1.0f);
      ASSERT_TRUE(collective.all_reduce(values, Control{}).ok());
      // Rank 2 leaves before this one, or while the others wait in it.
      if (rank == 0) {
        const auto reduced = collective.all_reduce(values, Control{});
        ASSERT_FALSE(reduced.ok());
        EXPECT_EQ(reduced.error().code, ErrorCode::kUnavailable);
      } else {
        EXPECT_FALSE(collective.all_gather("mine").ok());
      }
      EXPECT_FALSE(collective.all_gather("mine").ok());
    });
  running.emplace_back([&leaver = collectives[2]] {
    std::vector<float> values(10, 1.0f);
    ASSERT_TRUE(leaver->all_reduce(values, Control{}).ok());
    leaver.reset();
  });
}

TEST(MemoryCollective, ACallThatAllHaveEnteredSucceedsForTheSlowestRankToo) {
  for (int round = 0; round < 200; ++round) {
    auto collectives = make_memory_collectives(4);
    std::vector<std::jthread> running;
    for (auto& collective : collectives)
      running.emplace_back([&collective] {
        EXPECT_TRUE(collective->all_gather("last words").ok());
        collective.reset();  // at once, while others may still read
      });
  }
}

}  // namespace

}  // namespace cairn::collective
