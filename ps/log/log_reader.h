// Reads a push log (ps/log/log_format.h) that a process left behind, and validates where it ends.
//
// The log ends at the first record that fails, of lsn x, unless a later segment's header says that
// the one before it ends at x - 1. If a valid record of the same or a later generation behind it
// was written when x was acknowledged already, acknowledged records are missing: damage, which
// `strict` refuses and `report` lists in `lost`. Otherwise what lies behind was never acknowledged
// (a power cut may keep the later half of an unsynced write), and is left out silently.
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
  // is only read within the kernel boot that wrote it.
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

// Where a log ends: what a FilePushLog needs to go on behind it.
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
  // Other files of the log: left by a crash, without a record that was ever acknowledged, or what
  // `report` gave up.
  std::vector<uint32_t> others;
  bool damaged = false;         // some of those are worth keeping
  Lsn replay_after = 0;         // of the newest replay start
  std::vector<Record> records;  // above `replay_after`
};

class LogReader {
 public:
  // Checks every record. A missing or empty folder is a log without records. Errors: kCorrupt,
  // naming file, offset and what `report` would give up, for damage (in `report`: only where not
  // even a replay start is left of it);
  // kOutdated for a log of `durability: process` of another kernel boot: the job goes back to its
  // checkpoint; kUnavailable where a file cannot be read.
  static Result<std::unique_ptr<LogReader>> open(const std::filesystem::path& folder,
                                                 const LogReaderOptions& options);
  ~LogReader();

  // Nothing if the log has no record: then nothing was ever acknowledged, as a new store logs a
  // replay start before it accepts anything.
  const std::optional<ReplayStart>& replay_start() const { return replay_start_; }

  // The last lsn of the intact part; 0 if it has none.
  Lsn last_lsn() const { return end_.last_lsn; }

  // Empty in `strict`.
  const std::vector<LostPart>& lost() const { return lost_; }

  // The highest lsn that may have been acknowledged, lost records included: a new record's lsn is
  // above it.
  Lsn highest_lsn() const { return lost_.empty() ? last_lsn() : lost_.back().last_lsn; }

  // Gives each record from replay_after + 1 to the end, replay starts too, in order; as often as is
  // called. A push's keys and values may be kept: they hold the memory they point into. Errors:
  // whatever `record` returns, which ends the reading; kUnavailable.
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
