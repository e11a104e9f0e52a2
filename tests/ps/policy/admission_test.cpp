#include "ps/policy/admission.h"

#include <gtest/gtest.h>

#include "common/random.h"
#include "tests/seed.h"

namespace cairn::ps {
namespace {

TEST(Admission, WithoutAPolicyTakesEveryKey) {
  const Admission admission({}, {}, 0, test_seed());
  EXPECT_FALSE(admission.selective());
  EXPECT_TRUE(admission.admits(7, 1));
}

TEST(Admission, ByCountTakesAKeyInTheStepThatMakesUpTheCount) {
  Admission admission({}, {.min_count = 3}, 0, test_seed());
  EXPECT_TRUE(admission.selective());
  const std::vector<Key> keys = {7, 9};
  EXPECT_FALSE(admission.admits(7, 1));
  admission.count(keys);
  EXPECT_FALSE(admission.admits(7, 2));
  admission.count(keys);
  EXPECT_TRUE(admission.admits(7, 3));
  EXPECT_TRUE(admission.admits(9, 3));
  EXPECT_FALSE(admission.admits(8, 3));
}

TEST(Admission, ByProbabilityDrawsForEachTableKeyAndStep) {
  constexpr int kDraws = 100'000;
  const Admission admission({}, {.probability = 0.2f}, 1, test_seed());
  const Admission of_other_table({}, {.probability = 0.2f}, 2, test_seed());
  const Admission of_a_shard({0, 10}, {.probability = 0.2f}, 1, test_seed());
  int keys = 0, steps = 0, both = 0, both_tables = 0;
  for (int i = 0; i < kDraws; ++i) {
    const bool admitted = admission.admits(i, 1);
    EXPECT_EQ(admitted, of_a_shard.admits(i, 1));
    keys += admitted;
    steps += admission.admits(5, i);
    both += admitted && admission.admits(i, 2);
    both_tables += admitted && of_other_table.admits(i, 1);
  }
  // Six deviations.
  EXPECT_NEAR(keys, 0.2 * kDraws, 760);
  EXPECT_NEAR(steps, 0.2 * kDraws, 760);
  EXPECT_NEAR(both, 0.04 * kDraws, 380);
  EXPECT_NEAR(both_tables, 0.04 * kDraws, 380);
}

}  // namespace
}  // namespace cairn::ps
