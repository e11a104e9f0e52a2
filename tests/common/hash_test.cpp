#include "common/hash.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "tests/seed.h"

namespace cairn {
namespace {

TEST(Hash, SlotIsTheFirstFourteenBitsOfTheHash) {
  for (Key key = test_seed(), end = key + 1000; key != end; ++key)
    EXPECT_EQ(slot_of(key), hash_key(key) >> 50);
}

TEST(Hash, ConsecutiveKeysSpreadEvenlyOverSlots) {
  std::vector<int> count(kSlots);
  const Key first = test_seed();
  for (Key key = first; key != first + 64 * kSlots; ++key) ++count[slot_of(key)];
  for (int n : count) {
    EXPECT_GT(n, 64 - 8 * 7);
    EXPECT_LT(n, 64 + 8 * 7);
  }
}

TEST(Hash, StringsHashToTheirPublishedXxh3Values) {
  // XXH3-64 of the empty string, as xxHash documents it.
  EXPECT_EQ(hash_string(""), 0x2D06800538D394C2ull);
  EXPECT_NE(hash_string("a"), hash_string("b"));
}

TEST(Hash, BytesHashDependsOnSeed) {
  EXPECT_EQ(hash_bytes("row", 3, 1), hash_bytes("row", 3, 1));
  EXPECT_NE(hash_bytes("row", 3, 1), hash_bytes("row", 3, 2));
}

}  // namespace
}  // namespace cairn
