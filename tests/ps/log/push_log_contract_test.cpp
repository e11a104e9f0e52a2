// The contract of every PushLog, held against the real one and the one for tests.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "ps/log/file_push_log.h"
#include "tests/common/temporary_folder.h"
#include "tests/ps/log/memory_push_log.h"
#include "tests/ps/log/pushes.h"
#include "tests/seed.h"

namespace cairn::ps {
namespace {

// Collects acknowledgements, which may come from another thread.
class Acknowledged {
 public:
  void add(Result<Lsn> lsn) {
    const std::lock_guard lock(mutex_);
    if (lsn.ok())
      lsns_.push_back(lsn.value());
    else
      errors_.push_back(lsn.error());
    changed_.notify_all();
  }
  // False if it does not come in time.
  bool wait_for(Lsn lsn) {
    return wait([&] { return !lsns_.empty() && lsns_.back() >= lsn; });
  }
  bool wait_for_error() {
    return wait([&] { return !errors_.empty(); });
  }
  std::vector<Lsn> lsns() {
    const std::lock_guard lock(mutex_);
    return lsns_;
  }
  size_t errors() {
    const std::lock_guard lock(mutex_);
    return errors_.size();
  }

 private:
  template <typename Condition>
  bool wait(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), condition);
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Lsn> lsns_;
  std::vector<Error> errors_;
};

// One version of the log, and what only that version can do.
class Harness {
 public:
  virtual ~Harness() = default;
  virtual PushLog& log() = 0;
  virtual void let_complete() {}                       // whatever was appended
  virtual void make_writes_fail() = 0;                 // from the next on
  virtual std::vector<LogRecord> after_a_crash() = 0;  // what a reader finds
  Acknowledged acknowledged;
};

class FileHarness final : public Harness {
 public:
  FileHarness() {
    FilePushLogOptions options;
    options.folder = folder_.path() / "log";
    options.bytes_max = 4 << 20;  // several segments a test
    log_ = std::move(FilePushLog::open(options, [this](Result<Lsn> lsn) {
                       acknowledged.add(std::move(lsn));
                     }).value());
  }
  PushLog& log() override { return *log_; }
  void make_writes_fail() override {
    // The next segment finds no folder to be in.
    std::filesystem::remove_all(folder_.path() / "log");
  }
  std::vector<LogRecord> after_a_crash() override {
    std::vector<LogRecord> records;
    const auto log = LogReader::open(folder_.path() / "log", {});
    EXPECT_TRUE(log.ok()) << log.error().message;
    const Status read = log.value()->for_each([&](const LogRecord& record) -> Status {
      records.push_back(record);
      return Ok{};
    });
    EXPECT_TRUE(read.ok()) << read.error().message;
    return records;
  }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<FilePushLog> log_;
};

class MemoryHarness final : public Harness {
 public:
  MemoryHarness() : log_([this](Result<Lsn> lsn) { acknowledged.add(std::move(lsn)); }) {}
  PushLog& log() override { return log_; }
  void let_complete() override {
    if (failing_)
      log_.fail({ErrorCode::kUnavailable, "disk"});
    else
      log_.complete_all();
  }
  void make_writes_fail() override { failing_ = true; }
  std::vector<LogRecord> after_a_crash() override {
    const auto kept = log_.kept();
    return {kept.begin(), kept.end()};
  }

 private:
  bool failing_ = false;
  MemoryPushLog log_;
};

using MakeHarness = std::unique_ptr<Harness> (*)();

class PushLogContract : public testing::TestWithParam<MakeHarness> {
 protected:
  // Appends `count` records and remembers them.
  void append(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      const Lsn lsn = appended_.size() + 1;
      appended_.push_back(lsn == 1       ? replay_start_record(lsn, 0, random_)
                          : lsn % 7 == 0 ? delete_record(lsn, random_)
                                         : push_record(lsn, random_push(random_, lsn)));
      harness_->log().append(appended_.back());
    }
  }
  void append_replay_start(Lsn replay_after) {
    appended_.push_back(replay_start_record(appended_.size() + 1, replay_after, random_));
    harness_->log().append(appended_.back());
  }
  Lsn last() const { return appended_.size(); }

  const std::unique_ptr<Harness> harness_ = GetParam()();
  RandomStream random_{test_seed(), 0};
  std::vector<LogRecord> appended_;
};

TEST_P(PushLogContract, WhatWasAcknowledgedIsThereInOrderAndWhole) {
  for (int round = 0; round < 5; ++round) {
    append(random_.next_below(40));
    harness_->let_complete();
  }
  append(1);
  harness_->let_complete();
  ASSERT_TRUE(harness_->acknowledged.wait_for(last()));
  const std::vector<LogRecord> found = harness_->after_a_crash();
  ASSERT_EQ(found.size(), appended_.size());
  for (size_t i = 0; i < found.size(); ++i) EXPECT_TRUE(same_record(found[i], appended_[i])) << i;
}

TEST_P(PushLogContract, AcknowledgementsNeverDescend) {
  for (int round = 0; round < 5; ++round) {
    append(20);
    harness_->let_complete();
  }
  ASSERT_TRUE(harness_->acknowledged.wait_for(last()));
  const std::vector<Lsn> lsns = harness_->acknowledged.lsns();
  EXPECT_TRUE(std::is_sorted(lsns.begin(), lsns.end()));
  EXPECT_EQ(lsns.back(), last());
}

TEST_P(PushLogContract, ACutKeepsEveryRecordAboveIt) {
  append(300);
  harness_->let_complete();
  ASSERT_TRUE(harness_->acknowledged.wait_for(last()));
  const Lsn replay_after = 1 + random_.next_below(299);
  append_replay_start(replay_after);
  harness_->let_complete();
  ASSERT_TRUE(harness_->acknowledged.wait_for(last()));
  harness_->log().cut(replay_after);
  append(1);  // once it is acknowledged the cut is done: a log does one thing at a time
  harness_->let_complete();
  ASSERT_TRUE(harness_->acknowledged.wait_for(last()));
  const std::vector<LogRecord> found = harness_->after_a_crash();
  ASSERT_FALSE(found.empty());
  ASSERT_LE(found.front().lsn, replay_after + 1);
  for (size_t i = 0; i < found.size(); ++i)
    EXPECT_TRUE(same_record(found[i], appended_[found.front().lsn - 1 + i])) << i;
  EXPECT_EQ(found.back().lsn, last());
}

TEST_P(PushLogContract, BytesCountTheRecordsAboveTheLastCut) {
  EXPECT_EQ(harness_->log().bytes(), 0u);
  append(20);
  harness_->let_complete();
  ASSERT_TRUE(harness_->acknowledged.wait_for(last()));
  const uint64_t twenty = harness_->log().bytes();
  uint64_t payload = 0;
  for (const LogRecord& record : appended_)
    if (record.push) payload += record.push->keys.size() + record.push->values.size();
  EXPECT_GE(twenty, payload);
  append(1);
  harness_->let_complete();
  ASSERT_TRUE(harness_->acknowledged.wait_for(last()));
  const uint64_t newest = harness_->log().bytes() - twenty;
  EXPECT_GT(newest, 0u);
  harness_->log().cut(20);
  EXPECT_EQ(harness_->log().bytes(), newest);
}

TEST_P(PushLogContract, AFailedWriteIsReportedOnceAndEndsTheLog) {
  append(3);
  harness_->let_complete();
  ASSERT_TRUE(harness_->acknowledged.wait_for(last()));
  harness_->make_writes_fail();
  append(200);
  harness_->let_complete();
  ASSERT_TRUE(harness_->acknowledged.wait_for_error());
  const size_t acknowledged = harness_->acknowledged.lsns().size();
  append(200);
  harness_->let_complete();
  EXPECT_EQ(harness_->acknowledged.errors(), 1u);
  EXPECT_EQ(harness_->acknowledged.lsns().size(), acknowledged);
}

template <typename T>
std::unique_ptr<Harness> make() {
  return std::make_unique<T>();
}
INSTANTIATE_TEST_SUITE_P(EveryVersion, PushLogContract,
                         testing::Values(make<FileHarness>, make<MemoryHarness>),
                         [](const auto& info) { return info.index == 0 ? "File" : "Memory"; });

}  // namespace
}  // namespace cairn::ps
