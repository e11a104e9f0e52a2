// The push log in segment files of its own (ps/log_format.h). `append` hands a record to a writer
// thread, which writes all that gathered while it was busy with few system calls (group commit) and
// then acknowledges the last of them. A record is acknowledged when the kernel has it: it survives
// the end of the process, not of the host.
//
// The first write that fails is reported once and ends the log: a kernel may drop the pages of a
// failed write, and a second attempt would then succeed on a file with a hole. Thread safety:
// `append`, `bytes` and `cut` by one thread. `Logged` is called from the writer thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "common/result.h"
#include "ps/log_reader.h"
#include "ps/push_log.h"

namespace cairn {

class SegmentWriter;

struct FilePushLogOptions {
  std::filesystem::path folder;  // created if missing; holds no log yet, unless `after` is given
  Lsn next_lsn = 1;              // of the first record appended
  // Goes on behind a log that was read (LogReader::end), in a new segment of the next generation;
  // what is there stays until it is cut. `next_lsn` is above its last.
  std::optional<LogEnd> after;
  uint64_t segment_bytes = uint64_t{64}
                           << 20;  // preallocated; a larger record has a segment of its own
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
  void cut(Lsn base) override;

 private:
  FilePushLog(const FilePushLogOptions& options, std::unique_ptr<SegmentWriter> segments,
              Logged logged);
  void write_loop();
  void fail(const Error& error);

  const Logged logged_;
  const Lsn first_lsn_;
  // Of the thread that appends.
  Lsn next_lsn_;
  Lsn base_;                         // what `cut` was last told, or the lsn before the first record
  std::deque<LogEnd::Record> kept_;  // above base_
  uint64_t bytes_ = 0;               // that they take

  std::mutex mutex_;  // of the next five
  std::condition_variable changed_;
  std::vector<LogRecord> gathered_;
  Lsn cut_to_;
  bool closing_ = false;
  bool failed_ = false;

  // Of the writer thread, which is last so that it ends before what it uses.
  std::unique_ptr<SegmentWriter> segments_;
  std::jthread writer_;
};

}  // namespace cairn
