// Reads a push log (ps/log/log_format.h) that a process left behind, and finds its valid end.
//
// The log ends at the first record that fails, of lsn x. It goes on only where a later segment's
// header says that the segment before ends at x - 1.
//
// A valid record behind the end, of the same or a later generation, may show that x was already
// acknowledged when it was written. Then acknowledged records are missing. This is damage: `strict`
// refuses it, `report` lists it in `lost`.
//
// Otherwise no record behind the end was ever acknowledged, and all are left out silently. A power
// cut may keep the later half of an unsynced write.
//
// Thread safety: none.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/config/ps_config.h"
#include "common/result.h"
#include "ps/log/log_scan.h"
#include "ps/log/push_log.h"
#include "ps/system/system_files.h"

namespace cairn::ps {

struct LogReaderOptions {
  Recovery recovery = Recovery::kStrict;
  // The boot id of the kernel that runs now (ps/system/boot_id.h). A log of `durability: process`
  // is read only within the kernel boot that wrote the log.
  std::string boot_id;
  FileLayer* files = &system_files();
};

// The newest replay start: everything up to `replay_after` is in the store.
struct ReplayStart {
  Lsn replay_after = 0;
  std::vector<WorkerSequence> sequences;
};

// Acknowledged records that are missing or damaged.
struct LostPart {
  std::filesystem::path file;
  uint64_t offset = 0;
  Lsn first_lsn = 0;
  Lsn last_lsn = 0;   // the highest that is known to have been acknowledged, or is whole behind it
  LostRecords whole;  // of them
  std::string why;
};

// The end of a log, as a FilePushLog needs it to go on.
struct LogEnd {
  struct Segment {
    uint32_t number = 0;
    Lsn last_lsn = 0;  // of its intact part
  };
  struct Record {
    Lsn lsn = 0;
    uint64_t bytes = 0;  // that it takes in its file
  };

  Lsn last_lsn = 0;              // of the intact part; 0 if there is none
  uint64_t next_generation = 1;  // above that of every segment
  std::vector<Segment> segments;
  // The other files of the log. A crash left them without a record that was ever acknowledged, or
  // `report` gave them up.
  std::vector<uint32_t> others;
  bool damaged = false;         // some of those are worth keeping
  Lsn replay_after = 0;         // of the newest replay start
  std::vector<Record> records;  // above `replay_after`
};

class LogReader {
 public:
  // Checks every record. A missing or empty folder is a log without records. Errors:
  // - kCorrupt for damage, naming the file, the offset and what `report` would give up. In
  // `report`: only where not even a replay start is left.
  // - kOutdated for a log of `durability: process` of another kernel boot: the job goes back to its
  // checkpoint.
  // - kUnavailable where a file cannot be read.
  static Result<std::unique_ptr<LogReader>> open(const std::filesystem::path& folder,
                                                 const LogReaderOptions& options);
  ~LogReader();

  // The newest replay start; nothing if the log has no record. Then nothing was ever acknowledged:
  // a new store logs a replay start before it accepts anything.
  const std::optional<ReplayStart>& replay_start() const { return replay_start_; }

  // The last lsn of the intact part; 0 if it has none.
  Lsn last_lsn() const { return end_.last_lsn; }

  // Empty in `strict`.
  const std::vector<LostPart>& lost() const { return lost_; }

  // The highest lsn that may have been acknowledged, lost records included. A new record's lsn is
  // higher.
  Lsn highest_lsn() const { return lost_.empty() ? last_lsn() : lost_.back().last_lsn; }

  // Gives each record from replay_after + 1 to the end, replay starts too, in order. It may be
  // called again. A push's keys and values may be kept: they hold the memory they point into.
  // Errors: kUnavailable; an error that `record` returns, which ends the reading.
  Status for_each(const std::function<Status(const LogRecord& record)>& record) const;

  // For FilePushLogOptions::after.
  const LogEnd& end() const { return end_; }

 private:
  LogReader(FileLayer& files, std::filesystem::path folder, LogScan scan);

  FileLayer& files_;
  const std::filesystem::path folder_;
  std::vector<LogScan::Place> records_;  // above replay_after
  std::optional<ReplayStart> replay_start_;
  std::vector<LostPart> lost_;
  LogEnd end_;
};

}  // namespace cairn::ps
