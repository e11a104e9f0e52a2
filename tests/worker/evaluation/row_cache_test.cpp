// Evaluations of random batches by a cache, against shards that are a function of table, key and
// the step that last changed the row.
#include "worker/evaluation/row_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <random>

#include "tests/seed.h"
#include "tests/worker/math/ops/backends.h"
#include "worker/math/device/host_device.h"

namespace cairn::evaluation {
namespace {

const std::vector<uint32_t> kDims = {4, 1, 8};
const std::vector<uint32_t> kTableOfBag = {0, 2, 0, 1};

struct Counts {
  uint64_t found = 0, confirmed = 0, pulled = 0;
};

class RowCacheTest : public testing::TestWithParam<const math::Ops*> {
 protected:
  // A random key. The first ones come often.
  Key some_key() {
    const uint64_t n = 400;
    return hash_key(std::min({random_() % n, random_() % n, random_() % n}));
  }

  // Between evaluations, or what was known before would be wrong.
  void change_some_rows(uint64_t step) {
    for (int i = 0; i < 200; ++i) changed_[{random_() % kDims.size(), some_key()}] = step;
  }

  float value(size_t t, Key key, size_t column) const {
    const auto found = changed_.find({t, key});
    const uint64_t step = found == changed_.end() ? 0 : found->second;
    return static_cast<float>(hash_key(key + 1000 * t + 100 * column + 7 * step) % 100'000);
  }

  struct Evaluated {
    features::Batch batch;
    std::vector<std::vector<Key>> ids;  // a bag: the keys of its occurrences
    RowCache::Wanted wanted;
  };

  Evaluated some_batch() {
    Evaluated some;
    features::Batch& batch = some.batch;
    batch.samples = 1 + static_cast<uint32_t>(random_() % 8);
    batch.keys.resize(kDims.size());
    for (const uint32_t t : kTableOfBag) {
      features::Bag& bag = batch.bags.emplace_back();
      std::vector<Key>& ids = some.ids.emplace_back();
      bag.offsets = {0};
      for (uint32_t r = 0; r < batch.samples; ++r) {
        for (uint64_t left = random_() % 4; left > 0; --left) ids.push_back(some_key());
        bag.offsets.push_back(static_cast<uint32_t>(ids.size()));
      }
      batch.keys[t].insert(batch.keys[t].end(), ids.begin(), ids.end());
    }
    for (std::vector<Key>& keys : batch.keys) {
      std::ranges::sort(keys);
      const auto repeated = std::ranges::unique(keys);
      keys.erase(repeated.begin(), repeated.end());
    }
    for (size_t b = 0; b < kTableOfBag.size(); ++b)
      for (const Key id : some.ids[b]) {
        const std::vector<Key>& keys = batch.keys[kTableOfBag[b]];
        batch.bags[b].index.push_back(
            static_cast<uint32_t>(std::ranges::lower_bound(keys, id) - keys.begin()));
      }
    return some;
  }

  void evaluate(RowCache& cache, uint64_t step, int batches) {
    std::deque<Evaluated> ahead;
    while (batches > 0 || !ahead.empty()) {
      while (batches > 0 && ahead.size() < 3) {
        ahead.push_back(some_batch());
        ahead.back().wanted = cache.want(ahead.back().batch, step);
        --batches;
      }
      ASSERT_NO_FATAL_FAILURE(take(cache, step, ahead.front()));
      ahead.pop_front();
    }
  }

  void take(RowCache& cache, uint64_t step, const Evaluated& one) {
    std::vector<std::vector<float>> rows(kDims.size());
    std::vector<std::vector<uint8_t>> kept(kDims.size());
    for (size_t t = 0; t < kDims.size(); ++t) {
      const std::vector<Key>& keys = one.batch.keys[t];
      ASSERT_TRUE(std::ranges::is_sorted(keys));
      const std::vector<uint64_t>& known = one.wanted.known[t];
      ASSERT_TRUE(known.empty() || known.size() == keys.size());
      for (size_t i = 0; i < keys.size(); ++i) {
        const auto found = changed_.find({t, keys[i]});
        const bool same = !known.empty() && known[i] > 0 &&
                          (found == changed_.end() || found->second <= known[i]);
        kept[t].push_back(same);
        for (size_t c = 0; c < kDims[t]; ++c)
          rows[t].push_back(same ? std::numeric_limits<float>::quiet_NaN() : value(t, keys[i], c));
      }
      counts_.pulled += keys.size();
    }
    counts_.found += one.wanted.found;
    const uint64_t confirmed = cache.take(one.wanted, rows, kept);
    counts_.confirmed += confirmed;
    counts_.pulled -= confirmed;

    std::vector<std::vector<float>> seen(kDims.size());
    for (size_t t = 0; t < kDims.size(); ++t) {
      seen[t].resize(cache.tables()[t].size());
      GetParam()->memory().read(std::span(seen[t]), cache.tables()[t].data());
    }
    for (size_t b = 0; b < kTableOfBag.size(); ++b)
      for (size_t i = 0; i < one.ids[b].size(); ++i) {
        const uint32_t t = kTableOfBag[b];
        const size_t at = size_t{one.batch.bags[b].index[i]} * kDims[t];
        ASSERT_LE(at + kDims[t], seen[t].size());
        for (size_t c = 0; c < kDims[t]; ++c)
          ASSERT_EQ(seen[t][at + c], value(t, one.ids[b][i], c))
              << "table " << t << ", after step " << step;
      }
  }

  math::HostDevice device_{math::HostDevice::Order::kAnyOrder, test_seed()};
  std::mt19937_64 random_{test_seed()};
  std::map<std::pair<size_t, Key>, uint64_t> changed_;  // the step that last changed a row
  Counts counts_;
};

TEST_P(RowCacheTest, HasTheRowsOfEveryBatchWhateverIsKept) {
  for (const uint64_t bytes : {0, 500, 5'000, 20'000, 1'000'000}) {
    SCOPED_TRACE(bytes);
    RowCache cache(*GetParam(), kDims, kTableOfBag, bytes);
    changed_.clear();
    counts_ = {};
    for (const uint64_t step : {0, 1, 5, 6}) {
      if (step > 0) change_some_rows(step);
      ASSERT_NO_FATAL_FAILURE(evaluate(cache, step, 40));
    }
    if (bytes != 500) {  // of which one table or another may get some
      EXPECT_EQ(counts_.found > 0, bytes > 0);
      EXPECT_EQ(counts_.confirmed > 0, bytes > 0);
    }
    EXPECT_GT(counts_.pulled, 0u);
  }
}

TEST_P(RowCacheTest, AsksForNothingTwiceWhereAllHasRoom) {
  RowCache cache(*GetParam(), kDims, kTableOfBag, 1 << 20);
  ASSERT_NO_FATAL_FAILURE(evaluate(cache, 3, 500));
  counts_ = {};
  ASSERT_NO_FATAL_FAILURE(evaluate(cache, 3, 50));
  EXPECT_LT(20 * counts_.pulled, counts_.found);  // keys that come for the first time
}

TEST_P(RowCacheTest, TakesBatchesWithoutRows) {
  RowCache cache(*GetParam(), kDims, kTableOfBag, 1 << 20);
  Evaluated none;
  none.batch.keys.resize(kDims.size());
  for (size_t b = 0; b < kTableOfBag.size(); ++b) none.batch.bags.push_back({{0}, {}});
  none.ids.resize(kTableOfBag.size());
  none.wanted = cache.want(none.batch, 1);
  ASSERT_NO_FATAL_FAILURE(take(cache, 1, none));
  ASSERT_NO_FATAL_FAILURE(evaluate(cache, 1, 20));
  EXPECT_GT(counts_.found, 0u);
}

INSTANTIATE_TEST_SUITE_P(EveryBackend, RowCacheTest,
                         testing::Values(&math::cpu_ops(), &math::cuda_on_host::table()),
                         math::backend_name);

}  // namespace
}  // namespace cairn::evaluation
