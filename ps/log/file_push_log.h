// The push log in segment files of its own (ps/log/log_format.h). `append` hands a record to a
// thread that checksums it and copies it into a large aligned chunk, which another thread writes by
// direct I/O: what gathers during one write goes out with the next (group commit), and its last
// record is then acknowledged with all before it. Where the file system refuses direct I/O it
// writes through the page cache.
//
// Acknowledged means, under `durability: process`: written by direct I/O or handed to the kernel,
// so that it survives the end of the process; under `machine`: synced, so that it survives the loss
// of power too.
//
// The first write or sync that fails is reported once and ends the log: a kernel may drop the pages
// of a failed write, and a second attempt would then succeed on a file with a hole. Thread safety:
// `append`, `bytes` and `cut` by one thread. `Logged` is called from the writer thread.
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
  // Goes on behind a log that was read (LogReader::end), in a new segment of the next generation;
  // what is there stays until it is cut. `next_lsn` is above its last.
  std::optional<LogEnd> after;
  Durability durability = Durability::kProcess;  // or kMachine
  std::string boot_id;  // of the kernel that runs now (ps/system/boot_id.h)
  // Bytes of files, segments and spares together. A segment is a 64th of it, 64 KiB to 64 MiB; a
  // larger record has one of its own.
  uint64_t bytes_max = uint64_t{4} << 30;
  FileLayer* files = &system_files();
};

class FilePushLog final : public PushLog {
 public:
  // Makes the first segment. Errors: kInvalidArgument if the folder holds a log that is not gone
  // on with, kUnavailable if the disk refuses.
  static Result<std::unique_ptr<FilePushLog>> open(const FilePushLogOptions& options,
                                                   Logged logged);

  // Writes and acknowledges what was appended, then ends; what `logged` uses must still be there.
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
  // The threads are last so that they end before what they use.
  std::unique_ptr<LogEncoder> encoder_;
  std::jthread encoding_, writing_;
};

}  // namespace cairn::ps
