#include "worker/features/dedup.h"

#include <gtest/gtest.h>

#include <set>

#include "common/random.h"
#include "tests/seed.h"

namespace cairn::features {
namespace {

void expect_dedup(Deduplicator& deduplicator, const std::vector<std::vector<Key>>& parts) {
  std::set<Key> expected;
  size_t total = 0;
  for (const auto& part : parts) {
    expected.insert(part.begin(), part.end());
    total += part.size();
  }
  std::vector<std::vector<uint32_t>> index;
  deduplicator.begin(total);
  for (const auto& part : parts) deduplicator.add(part, index.emplace_back(part.size()));
  std::vector<Key> unique;
  deduplicator.finish(unique);
  EXPECT_EQ(unique, std::vector<Key>(expected.begin(), expected.end()));
  for (size_t p = 0; p < parts.size(); ++p) {
    deduplicator.rank(index[p]);
    for (size_t i = 0; i < parts[p].size(); ++i) ASSERT_EQ(unique[index[p][i]], parts[p][i]);
  }
}

TEST(Deduplicator, MatchesAnOrderedSetForEveryKindOfKeys) {
  Deduplicator deduplicator;  // one for all: nothing may stay from an earlier batch
  RandomStream random(test_seed(), 3);
  expect_dedup(deduplicator, {});
  expect_dedup(deduplicator, {{}, {}});
  expect_dedup(deduplicator, {{0}, {~Key{0}}, {0}});
  for (const int bits : {1, 5, 12, 33, 64}) {
    std::vector<std::vector<Key>> parts(3);
    for (auto& part : parts)
      for (uint64_t n = random.next_below(3000); n > 0; --n)
        part.push_back(random.next_u64() >> (64 - bits));
    expect_dedup(deduplicator, parts);
  }
  // A few giants beside many small keys: all small ones fall into one bucket.
  std::vector<Key> skewed = {~Key{0}, Key{1} << 63};
  for (Key k = 5000; k > 0; --k) skewed.push_back(k % 777);
  expect_dedup(deduplicator, {skewed});
}

}  // namespace
}  // namespace cairn::features
