#include "worker/data/prefetching_source.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace cairn::data {
namespace {

// Batches of 1, 2, ... samples; then what `last` says.
class CountingSource final : public BatchSource {
 public:
  CountingSource(uint32_t batches, std::atomic<uint32_t>& read, bool fails = false)
      : batches_(batches), read_(read), fails_(fails) {}
  Result<features::Batch> next() override {
    const uint32_t n = ++read_;
    features::Batch batch;
    if (n <= batches_)
      batch.samples = n;
    else if (fails_)
      return Error{ErrorCode::kBadData, "the disk is on fire"};
    return batch;
  }

 private:
  uint32_t batches_;
  std::atomic<uint32_t>& read_;
  bool fails_;
};

TEST(PrefetchingSource, GivesTheSameBatchesInOrderAndItsEndForever) {
  std::atomic<uint32_t> read = 0;
  PrefetchingSource source(std::make_unique<CountingSource>(50, read), 3);
  for (uint32_t i = 1; i <= 50; ++i) ASSERT_EQ(source.next().value().samples, i);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(source.next().value().samples, 0u);
  EXPECT_EQ(read, 51u) << "it reads nothing past the end";
}

TEST(PrefetchingSource, ErrorsComeBehindTheBatchesBeforeThem) {
  std::atomic<uint32_t> read = 0;
  PrefetchingSource source(std::make_unique<CountingSource>(2, read, true), 8);
  EXPECT_EQ(source.next().value().samples, 1u);
  EXPECT_EQ(source.next().value().samples, 2u);
  for (int i = 0; i < 2; ++i) {
    const Result<features::Batch> batch = source.next();
    ASSERT_FALSE(batch.ok());
    EXPECT_EQ(batch.error().message, "the disk is on fire");
  }
}

TEST(PrefetchingSource, ReadsNoFurtherAheadThanItsDepth) {
  std::atomic<uint32_t> read = 0;
  PrefetchingSource source(std::make_unique<CountingSource>(1'000'000, read), 4);
  for (uint32_t taken = 1; taken <= 100; ++taken) {
    EXPECT_EQ(source.next().value().samples, taken);
    while (read < taken + 4) std::this_thread::yield();  // 4 wait, and one may be in hand
    for (int look = 0; look < 100; ++look) {
      std::this_thread::yield();
      ASSERT_LE(read, taken + 5);
    }
  }
}

TEST(PrefetchingSource, CanBeDestroyedWhileItsQueueIsFull) {
  std::atomic<uint32_t> read = 0;
  for (int i = 0; i < 20; ++i)
    const PrefetchingSource source(std::make_unique<CountingSource>(1'000'000, read), 1);
}

}  // namespace
}  // namespace cairn::data
