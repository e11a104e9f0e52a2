#include "ps/file_push_log.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>

#include "common/file.h"
#include "ps/log_format.h"
#include "ps/segment_writer.h"

namespace cairn {

Result<std::unique_ptr<FilePushLog>> FilePushLog::open(const FilePushLogOptions& options,
                                                       Logged logged) {
  std::error_code error;
  std::filesystem::create_directories(options.folder, error);
  if (error) return system_error("create", options.folder, error.value());
  const Result<std::vector<uint32_t>> present = list_segments(options.folder);
  if (!present.ok()) return present.error();
  if (!present.value().empty() && !options.after.has_value())
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{} already holds a push log", options.folder.string())};
  Result<std::unique_ptr<SegmentWriter>> segments =
      SegmentWriter::create(options.folder, options.next_lsn, options.after, options.segment_bytes);
  if (!segments.ok()) return segments.error();
  return std::unique_ptr<FilePushLog>(
      new FilePushLog(options, std::move(segments).value(), std::move(logged)));
}

FilePushLog::FilePushLog(const FilePushLogOptions& options, std::unique_ptr<SegmentWriter> segments,
                         Logged logged)
    : logged_(std::move(logged)),
      first_lsn_(options.next_lsn),
      next_lsn_(options.next_lsn),
      base_(options.after.has_value() ? options.after->base : options.next_lsn - 1),
      cut_to_(base_),
      segments_(std::move(segments)),
      writer_([this] { write_loop(); }) {
  if (!options.after.has_value()) return;
  kept_.assign(options.after->records.begin(), options.after->records.end());
  for (const LogEnd::Record& record : kept_) bytes_ += record.bytes;
}

FilePushLog::~FilePushLog() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_one();
}

void FilePushLog::append(LogRecord record) {
  check(record.lsn == next_lsn_, "lsns are consecutive");
  ++next_lsn_;
  kept_.push_back({record.lsn, round_up_to_block(sizeof(RecordHeader) + payload_bytes(record))});
  bytes_ += kept_.back().bytes;
  {
    const std::lock_guard lock(mutex_);
    if (failed_) return;  // its error was reported: nothing after it can be acknowledged
    gathered_.push_back(std::move(record));
  }
  changed_.notify_one();
}

uint64_t FilePushLog::bytes() const { return bytes_; }

void FilePushLog::cut(Lsn base) {
  check(base < next_lsn_, "a log is cut below what was appended");
  base_ = std::max(base_, base);
  for (; !kept_.empty() && kept_.front().lsn <= base_; kept_.pop_front())
    bytes_ -= kept_.front().bytes;
  {
    const std::lock_guard lock(mutex_);
    cut_to_ = base_;
  }
  changed_.notify_one();
}

void FilePushLog::write_loop() {
  Lsn acked = first_lsn_ - 1, removed = 0;
  std::vector<LogRecord> group;
  for (;;) {
    Lsn cut_to = 0;
    group.clear();
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return closing_ || !gathered_.empty() || cut_to_ > removed; });
      if (gathered_.empty() && cut_to_ == removed) return;  // closing, and all is done
      group.swap(gathered_);
      cut_to = cut_to_;
    }
    // First, as the cut came before these records: once they are acknowledged it is done.
    if (cut_to > removed) {
      if (const Status done = segments_->remove_up_to(cut_to); !done.ok())
        return fail(done.error());
      removed = cut_to;
    }
    if (!group.empty()) {
      if (const Status written = segments_->append(group, acked); !written.ok())
        return fail(written.error());
      acked = group.back().lsn;
      logged_(acked);
    }
  }
}

void FilePushLog::fail(const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    failed_ = true;
    gathered_.clear();
  }
  logged_(error);
}

}  // namespace cairn
