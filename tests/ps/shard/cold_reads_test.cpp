// Reads that are dealt to several threads of the store: whoever waits is called once, when the last
// of its keys has come.
#include "ps/shard/cold_reads.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <set>

namespace cairn::ps {
namespace {

// Answers when it is told to, with every key found.
class SlowStore final : public ColdStore {
 public:
  void read(std::vector<RowKey> keys, std::function<void(Result<RowBatch>)> done) override {
    EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
    reads.push_back({std::move(keys), std::move(done)});
  }
  void scan(std::vector<uint32_t>, std::function<void(Result<RowBatch>)>) override {}
  void save_flush_file(FlushFile, std::function<void(Status)>) override {}
  void drop_filters(Lsn, std::function<void(Status)>) override {}
  void checkpoint(const std::filesystem::path&, std::function<void(Result<ShardFiles>)>) override {}
  bool empty() const override { return false; }
  uint32_t backlog() const override { return 0; }

  void answer(size_t i) {
    RowBatch rows;
    for (const RowKey& key : reads[i].keys) rows.entries.push_back({.key = key, .count = 1});
    const auto done = std::move(reads[i].done);
    reads.erase(reads.begin() + static_cast<std::ptrdiff_t>(i));
    done(std::move(rows));
  }

  struct Read {
    std::vector<RowKey> keys;
    std::function<void(Result<RowBatch>)> done;
  };
  std::deque<Read> reads;
};

std::vector<RowKey> keys_from(Key first, size_t count) {
  std::vector<RowKey> keys;
  for (Key key = first; key < first + count; ++key) keys.push_back({0, key});
  return keys;
}

class ColdReadsTest : public testing::Test {
 protected:
  SlowStore store_;
  std::set<Key> installed_, tombstones_;
  std::vector<uint32_t> pins_;
  ColdReads reads_{store_, [](std::function<void()> call) { call(); },
                   [this](const std::vector<RowKey>& keys, const RowBatch& found, uint32_t pin) {
                     EXPECT_EQ(keys.size(), found.entries.size());
                     for (const RowKey& key : keys) EXPECT_TRUE(installed_.insert(key.key).second);
                     pins_.push_back(pin);
                   },
                   [this](std::vector<RowKey>& keys) {
                     std::erase_if(
                         keys, [&](const RowKey& key) { return tombstones_.contains(key.key); });
                   },
                   [](const Error&) { FAIL(); }};
};

TEST_F(ColdReadsTest, ALargeReadIsDealtInBatchesAndEndsWithTheLast) {
  int done = 0;
  reads_.read(keys_from(1, 1000), 3, [&] { ++done; });
  ASSERT_GE(store_.reads.size(), 3u);
  while (!store_.reads.empty()) {
    EXPECT_EQ(done, 0);
    store_.answer(store_.reads.size() - 1);
  }
  EXPECT_EQ(done, 1);
  EXPECT_EQ(installed_.size(), 1000u);
  EXPECT_EQ(reads_.under_way(), 0u);
}

TEST_F(ColdReadsTest, AKeyIsReadOnceAndWhoWantsItTooWaitsForItsBatchAlone) {
  int first = 0, second = 0;
  reads_.read(keys_from(1, 1000), 3, [&] { ++first; });
  const size_t batches = store_.reads.size();
  const RowKey wanted = store_.reads.back().keys.front();
  reads_.read({wanted}, 5, [&] { ++second; });
  EXPECT_EQ(store_.reads.size(), batches);
  store_.answer(batches - 1);
  EXPECT_EQ(second, 1);
  EXPECT_EQ(first, 0);
  EXPECT_EQ(pins_, std::vector<uint32_t>{5});
  while (!store_.reads.empty()) store_.answer(0);
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 1);
}

TEST_F(ColdReadsTest, AKeyThatIsAskedForTwiceIsReadOnce) {
  int done = 0;
  std::vector<RowKey> keys = keys_from(1, 3);
  keys.push_back({0, 2});
  EXPECT_EQ(reads_.read(keys, 3, [&] { ++done; }), 3u);
  ASSERT_EQ(store_.reads.size(), 1u);
  EXPECT_EQ(store_.reads[0].keys.size(), 3u);
  store_.answer(0);
  EXPECT_EQ(done, 1);
}

TEST_F(ColdReadsTest, ARowThatIsRemovedMeanwhileAndHasLeftMemoryIsLookedUpAgain) {
  int done = 0;
  reads_.read(keys_from(1, 10), 3, [&] { ++done; });
  reads_.removed({0, 4});
  reads_.removed({0, 4});
  reads_.removed({0, 99});  // is not being read
  reads_.removed({0, 7});
  tombstones_.insert(7);  // is in memory still
  store_.answer(0);
  EXPECT_EQ(installed_.size(), 9u);
  EXPECT_FALSE(installed_.contains(4));
  EXPECT_EQ(done, 0);
  ASSERT_EQ(store_.reads.size(), 1u);
  EXPECT_EQ(store_.reads[0].keys, keys_from(4, 1));
  store_.answer(0);
  EXPECT_TRUE(installed_.contains(4));
  EXPECT_EQ(done, 1);
  EXPECT_EQ(pins_, (std::vector<uint32_t>{3, 3}));
  EXPECT_EQ(reads_.under_way(), 0u);
}

}  // namespace
}  // namespace cairn::ps
