// The push log through many lives: appended to, cut, killed or robbed of its power at any
// operation, read, gone on with. Whatever was acknowledged must be there, no lsn may be
// acknowledged twice, and no healthy log may be refused.
#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <mutex>

#include "ps/log/file_push_log.h"
#include "ps/log/log_reader.h"
#include "tests/ps/log/pushes.h"
#include "tests/ps/system/faulty_files.h"
#include "tests/seed.h"

namespace cairn::ps {
namespace {

// The log of one process, and what it acknowledged.
class LogLife {
 public:
  Status start(const FilePushLogOptions& options) {
    next_lsn_ = options.next_lsn;
    acknowledged_ = next_lsn_ - 1;
    auto log = FilePushLog::open(options, [this](Result<Lsn> lsn) {
      const std::lock_guard lock(mutex_);
      if (lsn.ok())
        acknowledged_ = lsn.value();
      else
        ++errors_;
      changed_.notify_all();
    });
    if (!log.ok()) return log.error();
    log_ = std::move(log).value();
    return Ok{};
  }
  Lsn next_lsn() const { return next_lsn_; }
  void append(LogRecord record) {
    ++next_lsn_;
    log_->append(std::move(record));
  }
  // False once the log has failed.
  bool wait_for(Lsn lsn) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(60),
                                  [&] { return errors_ > 0 || acknowledged_ >= lsn; }));
    return errors_ == 0;
  }
  void cut(Lsn replay_after) { log_->cut(replay_after); }
  // The highest lsn acknowledged, or the one before the first.
  Lsn end() {
    log_.reset();
    EXPECT_LE(errors_, 1);
    return acknowledged_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Lsn acknowledged_ = 0;
  int errors_ = 0;
  Lsn next_lsn_ = 0;
  std::unique_ptr<FilePushLog> log_;
};

class PushLogCrash : public testing::TestWithParam<Durability> {
 protected:
  // A new process must find what was acknowledged.
  std::unique_ptr<LogReader> read() {
    auto reader = LogReader::open("log", {.files = &files_});
    EXPECT_TRUE(reader.ok()) << reader.error().message;
    if (!reader.ok()) return nullptr;
    Lsn found_base = 0;
    std::map<Lsn, LogRecord> found;
    const Status status = reader.value()->for_each([&](const LogRecord& record) -> Status {
      EXPECT_TRUE(found.emplace(record.lsn, record).second) << "twice: " << record.lsn;
      return Ok{};
    });
    EXPECT_TRUE(status.ok()) << status.error().message;
    if (reader.value()->replay_start().has_value()) {
      found_base = reader.value()->replay_start()->replay_after;
      EXPECT_EQ(reader.value()->replay_start()->sequences, bases_.at(found_base));
    }
    EXPECT_GE(found_base, cut_);
    for (const auto& [lsn, record] : acknowledged_) {
      if (lsn <= found_base) continue;
      const bool there = found.contains(lsn) && same_record(found.at(lsn), record);
      EXPECT_TRUE(there) << "acknowledged record " << lsn << " is missing above replay_after "
                         << found_base;
    }
    return std::move(reader).value();
  }

  // One process, which ends in an operation or after its work.
  void live(const LogReader& before) {
    FilePushLogOptions options;
    options.folder = "log";
    options.files = &files_;
    options.durability = GetParam();
    options.bytes_max = 4 << 20;  // segments of 64 KiB
    options.after = before.end();
    options.next_lsn = before.highest_lsn() + 1 + (random_.next_below(4) == 0 ? 1000 : 0);
    LogLife life;
    files_.fail_at(1 + random_.next_below(60), random_.next_below(4) == 0
                                                   ? FaultyFiles::Fault::kError
                                                   : FaultyFiles::Fault::kEnd);
    if (!life.start(options).ok()) return;
    // Now that the log goes on behind it, a replay start counts that was never acknowledged.
    if (before.replay_start().has_value())
      cut_ = std::max(cut_, before.replay_start()->replay_after);
    std::vector<LogRecord> appended;
    const auto append = [&](LogRecord record) {
      appended.push_back(record);
      life.append(std::move(record));
    };
    // A new store logs a replay start before anything else.
    if (!before.replay_start().has_value()) append(new_base(life.next_lsn(), life.next_lsn() - 1));
    work(life, append);
    const Lsn last = life.end();
    for (const LogRecord& record : appended) {
      if (record.lsn <= last) {
        EXPECT_TRUE(acknowledged_.emplace(record.lsn, record).second) << "acknowledged twice";
      }
    }
  }

  template <typename Append>
  void work(LogLife& life, const Append& append) {
    for (uint64_t group = 1 + random_.next_below(20); group > 0; --group) {
      for (uint64_t i = random_.next_below(8); i > 0; --i)
        append(push_record(life.next_lsn(), random_push(random_, life.next_lsn(), 100)));
      if (random_.next_below(2) == 0 && !life.wait_for(life.next_lsn() - 1)) return;
      if (random_.next_below(6) > 0) continue;
      // Everything up to replay_after is in the store: some lsn that is acknowledged.
      if (!life.wait_for(life.next_lsn() - 1)) return;
      const Lsn last = life.next_lsn() - 1;
      const Lsn replay_after = last - std::min<Lsn>(last, random_.next_below(5));
      append(new_base(life.next_lsn(), std::max(replay_after, cut_)));
      if (!life.wait_for(life.next_lsn() - 1)) return;
      cut_ = std::max(replay_after, cut_);
      life.cut(cut_);
    }
  }

  LogRecord new_base(Lsn lsn, Lsn replay_after) {
    LogRecord record = replay_start_record(lsn, replay_after, random_);
    // A second replay start of the same replay_after may be the one that survives.
    record.sequences = bases_.emplace(replay_after, record.sequences).first->second;
    return record;
  }

  FaultyFiles files_{test_seed()};
  RandomStream random_{test_seed(), 7};
  std::map<Lsn, LogRecord> acknowledged_;
  std::map<Lsn, std::vector<WorkerSequence>> bases_;
  Lsn cut_ = 0;
};

TEST_P(PushLogCrash, NothingAcknowledgedIsLostThroughManyLives) {
  const bool powered = GetParam() == Durability::kMachine;
  uint64_t faults = 0;
  for (int round = 0; round < 400; ++round) {
    SCOPED_TRACE(round);
    const auto before = read();
    ASSERT_NE(before, nullptr);
    live(*before);
    faults += files_.fault_met() ? 1 : 0;
    files_.restart(powered && random_.next_below(2) == 0 ? FaultyFiles::Death::kPower
                                                         : FaultyFiles::Death::kProcess);
    if (HasFailure()) return;
  }
  EXPECT_GT(faults, 100u);
  EXPECT_GT(acknowledged_.size(), 200u);
}

INSTANTIATE_TEST_SUITE_P(EveryDurability, PushLogCrash,
                         testing::Values(Durability::kProcess, Durability::kMachine),
                         [](const auto& info) {
                           return info.param == Durability::kProcess ? "Process" : "Machine";
                         });

}  // namespace
}  // namespace cairn::ps
