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
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "common/result.h"
#include "ps/push_log.h"

namespace cairn {

class SegmentWriter;

struct FilePushLogOptions {
  std::filesystem::path folder;  // created if missing; holds no log yet
  Lsn next_lsn = 1;              // of the first record appended
  uint64_t generation = 1;
  uint64_t segment_bytes = uint64_t{64}
                           << 20;  // preallocated; a larger record has a segment of its own
};

class FilePushLog final : public PushLog {
 public:
  // Makes the first segment. Errors: kInvalidArgument if the folder holds a log, kUnavailable if
  // the disk refuses.
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
  // Of the thread that appends.
  Lsn next_lsn_;
  Lsn base_;                         // what `cut` was last told, or the lsn before the first record
  std::deque<uint64_t> file_bytes_;  // of the records base_ + 1, ..., next_lsn_ - 1
  uint64_t bytes_ = 0;               // their sum

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

// Reads a log from its first segment and gives each record to `record`, in order, up to the last
// that is whole. Errors: kCorrupt, naming file and offset, where a segment's header or a record's
// inside is damaged; whatever `record` returns, which ends the reading; kUnavailable where a file
// cannot be read.
Status read_log(const std::filesystem::path& folder,
                const std::function<Status(const LogRecord& record)>& record);

}  // namespace cairn
