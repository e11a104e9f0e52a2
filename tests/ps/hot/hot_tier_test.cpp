#include "ps/hot/hot_tier.h"

#include <gtest/gtest.h>

namespace cairn::ps {
namespace {

class HotTierTest : public testing::Test {
 protected:
  HotTierTest() : tier_({}, {{.dim = 1}, {.dim = 3}}, empty_bytes() + 400) {}
  static uint64_t empty_bytes() { return HotTier({}, {{.dim = 1}, {.dim = 3}}, 0).bytes(); }

  HotRow& add(uint32_t table, Key key) { return *tier_.table(table).insert(key).row; }
  bool holds(uint32_t table, Key key) const {
    HotRow* row = nullptr;
    tier_.table(table).find({&key, 1}, &row);
    return row != nullptr;
  }

  HotTier tier_;  // room for 400 bytes of rows: of 32 bytes in table 0, of 40 in table 1
};

TEST_F(HotTierTest, CountsRowsAndBytesOfAllTables) {
  EXPECT_EQ(tier_.bytes(), empty_bytes());
  add(0, 1);
  add(1, 1);
  EXPECT_EQ(tier_.rows(), 2u);
  EXPECT_EQ(tier_.bytes(), empty_bytes() + 32 + 40);
  HotRow& row = add(1, 2);
  tier_.mark_dirty(1, row);
  tier_.mark_dirty(1, row);
  EXPECT_EQ(tier_.dirty_bytes(), 40u);
  tier_.mark_clean(1, row);
  tier_.mark_clean(1, row);
  EXPECT_EQ(tier_.dirty_bytes(), 0u);
}

TEST_F(HotTierTest, EvictsNoMoreThanItHasTo) {
  for (Key key = 0; key < 10; ++key) add(key % 2, key);
  EXPECT_TRUE(tier_.make_room(40, 0));
  EXPECT_EQ(tier_.rows(), 10u);  // 360 of 400 bytes
  EXPECT_TRUE(tier_.make_room(41, 0));
  EXPECT_EQ(tier_.rows(), 9u);
  EXPECT_EQ(tier_.evicted_rows(), 1u);
}

TEST_F(HotTierTest, DirtyAndPinnedRowsStay) {
  tier_.mark_dirty(0, add(0, 1));
  add(0, 2).raise_pin(6);
  add(0, 3).raise_pin(5);
  add(1, 4);
  EXPECT_FALSE(tier_.make_room(400, 5));
  EXPECT_TRUE(holds(0, 1) && holds(0, 2));
  EXPECT_FALSE(holds(0, 3) || holds(1, 4));
  EXPECT_FALSE(tier_.make_room(400, 6));
  EXPECT_FALSE(holds(0, 2));
}

TEST_F(HotTierTest, RowUsedSinceTheHandLastCameByIsSparedOnce) {
  for (Key key = 0; key < 12; ++key) add(0, key).meta.state |= key == 0 ? HotRow::kReferenced : 0;
  EXPECT_TRUE(tier_.make_room(32, 0));  // key 0 is the first that the hand meets
  EXPECT_TRUE(holds(0, 0));
  EXPECT_FALSE(holds(0, 1));
  EXPECT_TRUE(tier_.make_room(400, 0));
  EXPECT_FALSE(holds(0, 0));
}

TEST_F(HotTierTest, EmptyTierDoesNotSearchForever) { EXPECT_FALSE(tier_.make_room(401, 0)); }

}  // namespace
}  // namespace cairn::ps
