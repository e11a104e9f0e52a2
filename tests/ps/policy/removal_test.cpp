#include "ps/policy/removal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/seed.h"

namespace cairn::ps {
namespace {

using enum RemovalReason;

constexpr float kLong[] = {3.0f, 4.0f};
constexpr float kShort[] = {0.03f, 0.04f};

TableConfig table() { return {.name = "t", .dim = 2}; }

TEST(Removal, OfATableWithoutAPolicyRemovesNothing) {
  EXPECT_FALSE(removes_rows(table()));
  EXPECT_TRUE(choose_removals(table(), 1000, {{.key = 1, .weights = kShort}}).empty());
}

TEST(Removal, TakesRowsThatTheLastStepsDidNotHold) {
  TableConfig unseen = table();
  unseen.expiry.unseen_steps = 5;
  EXPECT_TRUE(removes_rows(unseen));
  const std::vector<RowFacts> rows = {{.key = 1, .last_step = 15, .weights = kLong},
                                      {.key = 2, .last_step = 14, .weights = kLong}};
  EXPECT_TRUE(choose_removals(unseen, 18, rows).empty());
  EXPECT_EQ(choose_removals(unseen, 19, rows), (std::vector<Removal>{{2, kUnseen}}));
  EXPECT_EQ(choose_removals(unseen, 20, rows), (std::vector<Removal>{{1, kUnseen}, {2, kUnseen}}));
}

TEST(Removal, TakesRowsOfAnAge) {
  TableConfig aging = table();
  aging.expiry.age_steps = 5;
  const std::vector<RowFacts> rows = {
      {.key = 1, .last_step = 19, .created_step = 15, .weights = kLong},
      {.key = 2, .last_step = 19, .created_step = 14, .weights = kLong}};
  EXPECT_EQ(choose_removals(aging, 19, rows), (std::vector<Removal>{{2, kAge}}));
}

TEST(Removal, TakesRowsOfASmallNorm) {
  TableConfig small = table();
  small.expiry.min_norm = 0.06f;
  const std::vector<RowFacts> rows = {{.key = 1, .weights = kLong}, {.key = 2, .weights = kShort}};
  EXPECT_EQ(choose_removals(small, 19, rows), (std::vector<Removal>{{2, kNorm}}));
  small.expiry.min_norm = 0.04f;  // above the largest weight, below the norm
  EXPECT_TRUE(choose_removals(small, 19, rows).empty());
}

TEST(Removal, AboveTheCapTakesTheLeastValuableAndOfThoseTheLowestKeys) {
  EXPECT_EQ(slot_rows_max(64 * kSlots), 64u);
  EXPECT_EQ(slot_rows_max(64 * kSlots + 1), 65u);
  TableConfig capped = table();
  capped.max_rows = 3 * kSlots;
  std::vector<RowFacts> rows = {
      {.key = 1, .last_step = 9, .count = 7}, {.key = 2, .last_step = 9, .count = 2},
      {.key = 3, .last_step = 8, .count = 2}, {.key = 4, .last_step = 9, .count = 2},
      {.key = 5, .last_step = 1, .count = 8}, {.key = 6, .last_step = 9, .count = 1}};
  std::mt19937_64 random(test_seed());
  for (int i = 0; i < 20; ++i) {
    std::ranges::shuffle(rows, random);
    EXPECT_EQ(choose_removals(capped, 9, rows),
              (std::vector<Removal>{{2, kCap}, {3, kCap}, {6, kCap}}));
  }
}

TEST(Removal, CountsWhatExpiresTowardsTheCap) {
  TableConfig both = table();
  both.max_rows = 2 * kSlots;
  both.expiry.unseen_steps = 3;
  EXPECT_EQ(choose_removals(both, 9,
                            {{.key = 1, .last_step = 6, .count = 9},
                             {.key = 2, .last_step = 9, .count = 1},
                             {.key = 3, .last_step = 9, .count = 1}}),
            (std::vector<Removal>{{1, kUnseen}}));
}

TEST(Removal, TakesNothingMoreFromWhatItLeft) {
  TableConfig all = table();
  all.max_rows = 5 * kSlots;
  all.expiry = {.unseen_steps = 20, .age_steps = 60, .min_norm = 0.06f};
  std::mt19937_64 random(test_seed());
  for (int round = 0; round < 200; ++round) {
    std::vector<RowFacts> rows;
    for (Key key = 0; key < 12; ++key)
      rows.push_back({.key = key,
                      .last_step = 80 + static_cast<uint32_t>(random() % 21),
                      .count = 1 + static_cast<uint32_t>(random() % 3),
                      .created_step = 30 + static_cast<uint32_t>(random() % 50),
                      .weights = random() % 9 == 0 ? kShort : kLong});
    const std::vector<Removal> removals = choose_removals(all, 100, rows);
    std::erase_if(rows, [&](const RowFacts& row) {
      return std::ranges::find(removals, row.key, &Removal::key) != removals.end();
    });
    ASSERT_LE(rows.size(), 5u);
    ASSERT_TRUE(choose_removals(all, 100, rows).empty());
  }
}

}  // namespace
}  // namespace cairn::ps
