// The push log in segment files of its own (ps/log/log_format.h). `append` hands a record to a
// thread that checksums the record and copies it into a large aligned chunk. Another thread writes
// the chunk by direct I/O. Records that gather during one write go out with the next (group
// commit). The last record of a write is then acknowledged, with all before it. Where the file
// system refuses direct I/O, the log writes through the page cache.
//
// Under `durability: process`, an acknowledged record was written by direct I/O or handed to the
// kernel. So it survives the end of the process. Under `machine`, an acknowledged record was
// synced. So it survives the loss of power too.
//
// The first write or sync that fails is reported once and ends the log. A kernel may drop the pages
// of a failed write; a second attempt would then succeed on a file with a hole.
//
// Thread safety: one thread calls `append`, `bytes` and `cut`. The writer thread calls `Logged`.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "common/config/ps_config.h"
#include "common/result.h"
#include "ps/log/log_queue.h"
#include "ps/log/log_reader.h"
#include "ps/log/push_log.h"
#include "ps/system/system_files.h"

namespace cairn::ps {

class LogEncoder;

struct FilePushLogOptions {
  std::filesystem::path folder;  // created if missing; holds no log yet, unless `after` is given
  Lsn next_lsn = 1;              // of the first record appended
  // The end of a log that was read (LogReader::end). The new log goes on behind it, in a new
  // segment of the next generation. The old records stay until they are cut. `next_lsn` is above
  // the last of them.
  std::optional<LogEnd> after;
  Durability durability = Durability::kProcess;  // or kMachine
  std::string boot_id;  // of the kernel that runs now (ps/system/boot_id.h)
  // The bytes of segments and spares together. A segment is a 64th of `bytes_max`, 64 KiB to 64
  // MiB. A larger record has a segment of its own.
  uint64_t bytes_max = uint64_t{4} << 30;
  FileLayer* files = &system_files();
};

class FilePushLog final : public PushLog {
 public:
  // Makes the first segment. Errors: kInvalidArgument if the folder holds a log that `after` does
  // not name; kUnavailable if the disk refuses.
  static Result<std::unique_ptr<FilePushLog>> open(const FilePushLogOptions& options,
                                                   Logged logged);

  // Writes and acknowledges all appended records, then ends. Everything that `logged` uses must
  // outlive this.
  ~FilePushLog() override;

  void append(LogRecord record) override;
  uint64_t bytes() const override;
  uint64_t reserve_bytes() const override;  // two segments
  void cut(Lsn replay_after) override;

 private:
  FilePushLog(const FilePushLogOptions& options, Logged logged);
  Status start(const FilePushLogOptions& options);
  void write_chunks();

  const Logged logged_;
  const bool synced_;
  const uint64_t segment_bytes_;
  // Fields of the thread that appends.
  Lsn next_lsn_;
  Lsn replay_after_;                 // what `cut` was last told, or the lsn before the first record
  std::deque<LogEnd::Record> kept_;  // above replay_after_
  uint64_t bytes_ = 0;               // that they take

  std::atomic<Lsn> acknowledged_;
  LogQueue queue_;
  // The threads come last, so that they end before the members that they use.
  std::unique_ptr<LogEncoder> encoder_;
  std::jthread encoding_, writing_;
};

}  // namespace cairn::ps
