#include "ps/log/file_push_log.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <semaphore>

#include "ps/log/log_format.h"
#include "ps/log/log_reader.h"
#include "ps/log/null_push_log.h"
#include "tests/common/temporary_folder.h"
#include "tests/ps/log/pushes.h"
#include "tests/seed.h"

namespace cairn::ps {
namespace {

class FilePushLogTest : public testing::Test {
 protected:
  // Writes records first..last, all acknowledged when it returns.
  void write(Lsn first, Lsn last, uint32_t keys_max = 200, uint64_t segment_bytes = 64 << 10,
             Lsn cut = 0) {
    FilePushLogOptions options;
    options.folder = folder_.path();
    options.next_lsn = first;
    options.bytes_max = 64 * segment_bytes;
    auto log = FilePushLog::open(options, [this](Result<Lsn> lsn) { acknowledge(lsn); });
    ASSERT_TRUE(log.ok()) << log.error().message;
    for (Lsn lsn = first; lsn <= last; ++lsn) {
      written_.push_back(lsn == first ? replay_start_record(lsn, lsn - 1, random_)
                                      : push_record(lsn, random_push(random_, lsn, keys_max)));
      log.value()->append(written_.back());
    }
    if (cut > 0) {
      wait_for(last);
      log.value()->cut(cut);
    }
    std::move(log).value().reset();  // the writer ends when all is written
    EXPECT_EQ(last_, last);
  }
  void acknowledge(Result<Lsn> lsn) {
    last_ = lsn.value();
    last_.notify_one();
  }
  void wait_for(Lsn lsn) {
    for (Lsn last = last_; last < lsn; last = last_) last_.wait(last);
  }
  Status read() {
    found_.clear();
    const auto log = LogReader::open(folder_.path(), {});
    if (!log.ok()) return log.error();
    return log.value()->for_each([&](const LogRecord& record) -> Status {
      found_.push_back(record);
      return Ok{};
    });
  }
  std::vector<uint32_t> segments() { return list_segments(system_files(), folder_.path()).value(); }
  // Flips one bit of a segment.
  void damage(uint32_t segment, uint64_t offset) {
    std::fstream file(segment_path(folder_.path(), segment),
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(offset));
    const char byte = static_cast<char>(file.get() ^ 0x10);
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(byte);
    ASSERT_TRUE(file.good());
  }

  TemporaryFolder folder_;
  RandomStream random_{test_seed(), 3};
  std::vector<LogRecord> written_, found_;
  std::atomic<Lsn> last_ = 0;
};

TEST_F(FilePushLogTest, EndingTheLogWritesWhatWasAppended) {
  write(1, 100);
  ASSERT_TRUE(read().ok());
  ASSERT_EQ(found_.size(), 100u);
  for (size_t i = 0; i < 100; ++i) EXPECT_TRUE(same_record(found_[i], written_[i])) << i;
}

TEST_F(FilePushLogTest, StartsAtTheLsnItIsGiven) {
  write(1'000'000'007, 1'000'000'020);
  ASSERT_TRUE(read().ok());
  ASSERT_EQ(found_.size(), 14u);
  EXPECT_EQ(found_.front().lsn, 1'000'000'007u);
}

TEST_F(FilePushLogTest, ARecordLargerThanASegmentHasOneOfItsOwn) {
  write(1, 6, 20'000, 16 << 10);
  ASSERT_TRUE(read().ok());
  ASSERT_EQ(found_.size(), 6u);
  for (size_t i = 0; i < 6; ++i) EXPECT_TRUE(same_record(found_[i], written_[i])) << i;
}

TEST_F(FilePushLogTest, AnOldLogIsNotWrittenOver) {
  write(1, 3);
  FilePushLogOptions options;
  options.folder = folder_.path();
  const auto again = FilePushLog::open(options, [](Result<Lsn>) {});
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, ErrorCode::kInvalidArgument);
  ASSERT_TRUE(read().ok());
  EXPECT_EQ(found_.size(), 3u);
}

TEST_F(FilePushLogTest, ACutRemovesSegmentsWhollyBelowItAndNoOther) {
  write(1, 300, 200, 64 << 10, 250);
  const std::vector<uint32_t> left = segments();
  EXPECT_GT(left.front(), 0u);
  SegmentHeader first, second;
  const auto read_header = [&](uint32_t segment, SegmentHeader& header) {
    std::ifstream file(segment_path(folder_.path(), segment), std::ios::binary);
    file.read(reinterpret_cast<char*>(&header), sizeof header);
  };
  read_header(left[0], first);
  read_header(left[1], second);
  EXPECT_LE(first.first_lsn, 251u);
  // Only the first segment may hold records of both sides.
  EXPECT_GT(second.first_lsn, 251u);
}

TEST_F(FilePushLogTest, EveryFieldOfARecordsHeaderIsUnderItsChecksum) {
  write(1, 2, 10, 1 << 20);
  for (uint64_t byte = 0; byte < sizeof(RecordHeader); ++byte) {
    damage(0, 2 * kLogBlockBytes + byte);  // of the second record
    ASSERT_TRUE(read().ok()) << "byte " << byte;
    EXPECT_EQ(found_.size(), 1u) << "byte " << byte;
    damage(0, 2 * kLogBlockBytes + byte);  // flipped back
  }
  ASSERT_TRUE(read().ok());
  EXPECT_EQ(found_.size(), 2u);
}

TEST_F(FilePushLogTest, GoesOnBehindALogThatWasRead) {
  write(1, 100);
  uint64_t generation = 1;
  for (const Lsn next : {Lsn{101}, Lsn{5000}}) {  // the clock may have been raised meanwhile
    const auto reader = LogReader::open(folder_.path(), {});
    ASSERT_TRUE(reader.ok()) << reader.error().message;
    EXPECT_EQ(reader.value()->last_lsn(), last_);
    EXPECT_EQ(reader.value()->end().next_generation, ++generation);
    FilePushLogOptions options;
    options.folder = folder_.path();
    options.next_lsn = next;
    options.after = reader.value()->end();
    auto log = FilePushLog::open(options, [this](Result<Lsn> lsn) { acknowledge(lsn); });
    ASSERT_TRUE(log.ok()) << log.error().message;
    const uint64_t before = log.value()->bytes();
    EXPECT_GT(before, 0u);
    for (Lsn lsn = next; lsn < next + 10; ++lsn) {
      written_.push_back(push_record(lsn, random_push(random_, lsn)));
      log.value()->append(written_.back());
    }
    EXPECT_GT(log.value()->bytes(), before);
    std::move(log).value().reset();
  }
  ASSERT_TRUE(read().ok());
  ASSERT_EQ(found_.size(), 120u);
  for (size_t i = 0; i < found_.size(); ++i) EXPECT_TRUE(same_record(found_[i], written_[i])) << i;
}

TEST_F(FilePushLogTest, ARecordCarriesTheHighestLsnThatWasAcknowledgedWhenItWasWritten) {
  std::binary_semaphore acknowledged(0);
  FilePushLogOptions options;
  options.folder = folder_.path();
  auto log = FilePushLog::open(options, [&](Result<Lsn>) { acknowledged.release(); });
  for (Lsn lsn = 1; lsn <= 3; ++lsn) {
    log.value()->append(replay_start_record(lsn, lsn - 1, random_));
    ASSERT_TRUE(acknowledged.try_acquire_for(std::chrono::seconds(60)));
  }
  for (Lsn lsn = 1; lsn <= 3; ++lsn) {
    RecordHeader header;
    std::ifstream file(segment_path(folder_.path(), 0), std::ios::binary);
    file.seekg(static_cast<std::streamoff>(lsn * kLogBlockBytes));
    file.read(reinterpret_cast<char*>(&header), sizeof header);
    EXPECT_EQ(header.lsn, lsn);
    EXPECT_EQ(header.acked, lsn - 1);
    EXPECT_EQ(header.generation, 1u);
  }
}

TEST(NullPushLog, AcknowledgesAtOnceAndKeepsNothing) {
  std::vector<Lsn> lsns;
  NullPushLog log([&](Result<Lsn> lsn) { lsns.push_back(lsn.value()); });
  RandomStream random(test_seed(), 4);
  for (Lsn lsn = 1; lsn <= 3; ++lsn) log.append(push_record(lsn, random_push(random, lsn)));
  EXPECT_EQ(lsns, (std::vector<Lsn>{1, 2, 3}));
  EXPECT_EQ(log.bytes(), 0u);
}

}  // namespace
}  // namespace cairn::ps
