#include "worker/evaluation/row_directory.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/seed.h"

namespace cairn::evaluation {
namespace {

constexpr uint32_t kNone = RowDirectory::kNone;

TEST(RowDirectory, WithoutPlacesHasRoomForNobody) {
  RowDirectory directory(RowDirectory::kWays - 1);
  EXPECT_EQ(directory.places(), 0u);
  directory.prefetch(1);
  EXPECT_EQ(directory.find_or_admit(1, 1, 1).place, kNone);
}

TEST(RowDirectory, FindsKeyZeroOnlyOnceItIsThere) {
  RowDirectory directory(RowDirectory::kWays);
  const auto find = [&](uint32_t step) { return directory.find_or_admit(0, step, 1); };
  const auto first = find(7);
  EXPECT_FALSE(first.is_here);
  ASSERT_NE(first.place, kNone);
  const auto again = find(9);
  EXPECT_TRUE(again.is_here);
  EXPECT_EQ(again.place, first.place);
  EXPECT_EQ(again.step, 7u);
  EXPECT_EQ(find(9).step, 9u);
}

// Against a map of what stands where: no place is given twice, none that the batch uses.
TEST(RowDirectory, GivesAPlaceToOneKeyAtATime) {
  std::mt19937_64 random(test_seed());
  RowDirectory directory(64);
  struct Row {
    Key key;
    uint32_t step;
    uint64_t batch;
  };
  std::map<uint32_t, Row> at;  // by place
  for (uint64_t batch = 1; batch < 1'000; ++batch) {
    const auto step = static_cast<uint32_t>(batch / 10);
    for (int i = 0; i < 40; ++i) {
      const Key key = random() % 200;
      const auto [place, known, is_here] = directory.find_or_admit(key, step, batch);
      if (is_here) {
        ASSERT_EQ(at[place].key, key);
        ASSERT_EQ(at[place].step, known);
      } else {
        for (const auto& [other, row] : at) ASSERT_NE(row.key, key) << "lost from " << other;
        if (place == kNone) continue;
        ASSERT_LT(place, 64u);
        ASSERT_TRUE(!at.contains(place) || at[place].batch < batch) << "the batch uses its row";
      }
      at[place] = {key, step, batch};
    }
  }
  EXPECT_EQ(at.size(), 64u);
}

bool use(RowDirectory& directory, Key key) {
  static uint64_t batch = 0;
  return directory.find_or_admit(key, 1, ++batch).is_here;
}

TEST(RowDirectory, KeepsWhatComesOftenAmongManyThatComeOnce) {
  RowDirectory directory(8 * RowDirectory::kWays);
  Key next = 1000;
  size_t found = 0;
  for (int batch = 0; batch < 100; ++batch) {
    for (Key key = 0; key < 16; ++key) found += use(directory, key);
    for (int i = 0; i < 32; ++i) use(directory, next++);
  }
  EXPECT_GT(found, 16u * 90);
}

// Or what was popular once would stay for good.
TEST(RowDirectory, ForgetsWhatIsNoLongerUsed) {
  RowDirectory directory(RowDirectory::kWays);
  for (int i = 0; i < 100; ++i)
    for (Key key = 0; key < RowDirectory::kWays; ++key) use(directory, key);
  int refused = 0;
  while (!use(directory, 99)) ASSERT_LT(++refused, 100);
  EXPECT_GT(refused, 1);
}

}  // namespace
}  // namespace cairn::evaluation
