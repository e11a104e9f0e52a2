#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <semaphore>

#include "ps/log/file_push_log.h"
#include "tests/ps/log/pushes.h"
#include "tests/ps/system/faulty_files.h"
#include "tests/seed.h"

namespace cairn::ps {
namespace {

// On a disk that fails when it is told to.
class FaultyPushLogTest : public testing::Test {
 protected:
  Status open(Durability durability, std::optional<LogEnd> after = std::nullopt) {
    FilePushLogOptions options{.folder = "log",
                               .next_lsn = next_lsn_,
                               .after = std::move(after),
                               .durability = durability,
                               .bytes_max = 1 << 20,  // 16 segments of 64 KiB
                               .files = &files_};
    auto log = FilePushLog::open(options, [this](Result<Lsn> lsn) {
      if (lsn.ok()) last_ = lsn.value();
      if (!lsn.ok()) errors_.push_back(lsn.error());
      answered_.release();
    });
    if (!log.ok()) return log.error();
    log_ = std::move(log).value();
    return Ok{};
  }
  // Appends a record, of about 16 KiB if it is a push, and waits for the answer.
  void append() {
    written_.push_back(next_lsn_ == 1
                           ? replay_start_record(next_lsn_, 0, random_)
                           : push_record(next_lsn_, random_push(random_, next_lsn_, 300)));
    ++next_lsn_;
    log_->append(written_.back());
    ASSERT_TRUE(answered_.try_acquire_for(std::chrono::seconds(60)));
  }
  size_t files_named(const std::string& prefix) {
    const auto names = files_.list("log");
    return static_cast<size_t>(
        std::count_if(names.value().begin(), names.value().end(),
                      [&](const std::string& name) { return name.starts_with(prefix); }));
  }

  FaultyFiles files_{test_seed()};
  RandomStream random_{test_seed(), 5};
  std::vector<LogRecord> written_;
  std::atomic<Lsn> last_ = 0;
  std::vector<Error> errors_;
  std::counting_semaphore<> answered_{0};
  Lsn next_lsn_ = 1;
  std::unique_ptr<FilePushLog> log_;
};

TEST_F(FaultyPushLogTest, SegmentsBelowACutAreWrittenAgainInBoundedNumber) {
  ASSERT_TRUE(open(Durability::kProcess).ok());
  size_t files_most = 0;
  for (int round = 0; round < 30; ++round) {
    for (int i = 0; i < 20; ++i) append();
    log_->cut(next_lsn_ - 2);
    append();
    EXPECT_LE(files_named("log-"), 3u);
    files_most = std::max(files_most, files_.list("log").value().size());
  }
  EXPECT_LE(files_most, 16u + 3u);
  EXPECT_GT(files_named("spare-"), 0u);
  const uint64_t before = files_.paths().size();
  append();
  EXPECT_EQ(files_.paths().size(), before);  // nothing new is created: a spare was there
}

TEST_F(FaultyPushLogTest, WhereDirectWritingIsRefusedTheLogIsBuffered) {
  files_.refuse_direct();
  ASSERT_TRUE(open(Durability::kMachine).ok());
  for (int i = 0; i < 50; ++i) append();
  EXPECT_EQ(last_, 50u);
  files_.restart(FaultyFiles::Death::kPower);
  log_.reset();
  const auto reader = LogReader::open("log", {.files = &files_});
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  EXPECT_EQ(reader.value()->last_lsn(), 50u);
}

// Log rule 5, whichever operation it is.
TEST_F(FaultyPushLogTest, AFailedOperationEndsTheLogAndIsNeverTriedAgain) {
  ASSERT_TRUE(open(Durability::kMachine).ok());
  for (int i = 0; i < 10; ++i) append();
  files_.fail_at(1 + random_.next_below(20), FaultyFiles::Fault::kError);
  while (errors_.empty()) append();
  const uint64_t operations = files_.operations();
  const Lsn last = last_;
  for (int i = 0; i < 5; ++i)
    log_->append(replay_start_record(next_lsn_ + static_cast<Lsn>(i), 0, random_));
  log_.reset();
  EXPECT_EQ(errors_.size(), 1u);
  EXPECT_EQ(last_, last);
  EXPECT_EQ(files_.operations(), operations);
}

TEST_F(FaultyPushLogTest, AnyOperationOfOpeningMayFail) {
  for (uint64_t operation = 1;; ++operation) {
    FaultyFiles fresh(test_seed());
    fresh.fail_at(operation, FaultyFiles::Fault::kError);
    const auto log = FilePushLog::open({.folder = "log", .boot_id = "now", .files = &fresh},
                                       [](const Result<Lsn>&) {});
    if (!fresh.fault_met()) {
      EXPECT_GT(operation, 5u);
      break;
    }
    ASSERT_FALSE(log.ok()) << operation;
    EXPECT_EQ(log.error().code, ErrorCode::kUnavailable);
  }
}

TEST_F(FaultyPushLogTest, TheSequenceTableOutlivesTheSegmentThatItFirstStoodIn) {
  ASSERT_TRUE(open(Durability::kProcess).ok());
  for (int i = 0; i < 40; ++i) append();
  written_.push_back(replay_start_record(next_lsn_, next_lsn_ - 10, random_));
  written_.back().sequences = {{7, 8}, {9, 10}};
  const LogRecord replay_start = written_.back();
  ++next_lsn_;
  log_->append(replay_start);
  ASSERT_TRUE(answered_.try_acquire_for(std::chrono::seconds(60)));
  log_->cut(replay_start.replay_after);
  for (int i = 0; i < 5; ++i) append();
  log_.reset();
  const auto reader = LogReader::open("log", {.files = &files_});
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  ASSERT_TRUE(reader.value()->replay_start().has_value());
  EXPECT_EQ(reader.value()->replay_start()->sequences, replay_start.sequences);
}

TEST_F(FaultyPushLogTest, AHeaderIsDurableBeforeTheFirstRecordBehindItIsAcknowledged) {
  ASSERT_TRUE(open(Durability::kMachine).ok());
  for (int i = 0; i < 60; ++i) append();  // several segments
  ASSERT_GT(files_named("log-"), 3u);
  files_.restart(FaultyFiles::Death::kPower);
  const auto reader = LogReader::open("log", {.files = &files_});
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  EXPECT_EQ(reader.value()->last_lsn(), 60u);
}

}  // namespace
}  // namespace cairn::ps
