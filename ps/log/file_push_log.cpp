#include "ps/log/file_push_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "common/fault_point.h"
#include "ps/log/log_encoder.h"
#include "ps/log/log_format.h"
#include "ps/log/segment_folder.h"

namespace cairn::ps {

namespace {

// One is filled while the other is written. Large enough that a sync a chunk costs little beside
// its writing, small enough that the first record in it waits only milliseconds.
constexpr size_t kChunks = 2;
constexpr uint64_t kChunkBytes = uint64_t{4} << 20;

uint64_t segment_bytes_of(uint64_t bytes_max) {
  return round_up_to_block(std::clamp(bytes_max / 64, uint64_t{64} << 10, uint64_t{64} << 20));
}

}  // namespace

Result<std::unique_ptr<FilePushLog>> FilePushLog::open(const FilePushLogOptions& options,
                                                       Logged logged) {
  check(options.durability != Durability::kCheckpoint, "without a log there are no files");
  const Result<std::vector<uint32_t>> present = list_segments(*options.files, options.folder);
  if (!present.ok() && present.error().code != ErrorCode::kNotFound) return present.error();
  if (present.ok() && !present.value().empty() && !options.after.has_value())
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{} already holds a push log", options.folder.string())};
  std::unique_ptr<FilePushLog> log(new FilePushLog(options, std::move(logged)));
  if (const Status started = log->start(options); !started.ok()) return started.error();
  return log;
}

FilePushLog::FilePushLog(const FilePushLogOptions& options, Logged logged)
    : logged_(std::move(logged)),
      synced_(options.durability == Durability::kMachine),
      segment_bytes_(segment_bytes_of(options.bytes_max)),
      next_lsn_(options.next_lsn),
      replay_after_(options.next_lsn - 1),
      acknowledged_(options.next_lsn - 1),
      queue_(kChunks, kChunkBytes) {
  if (!options.after.has_value()) return;
  replay_after_ = options.after->replay_after;
  kept_.assign(options.after->records.begin(), options.after->records.end());
  for (const LogEnd::Record& record : kept_) bytes_ += record.bytes;
}

Status FilePushLog::start(const FilePushLogOptions& options) {
  Result<std::unique_ptr<SegmentFolder>> folder =
      SegmentFolder::open({.folder = options.folder,
                           .durability = options.durability,
                           .boot_id = options.boot_id,
                           .segment_bytes = segment_bytes_,
                           .bytes_max = options.bytes_max,
                           .files = options.files},
                          options.after);
  if (!folder.ok()) return folder.error();
  LogEncoder::Start first{
      .next_lsn = next_lsn_, .previous_last = next_lsn_ - 1, .chunk_bytes = kChunkBytes};
  if (options.after.has_value()) {
    first.generation = options.after->next_generation;
    first.previous_last = options.after->last_lsn;
  }
  Result<std::unique_ptr<LogEncoder>> encoder =
      LogEncoder::create(first, std::move(folder).value(), queue_, acknowledged_);
  if (!encoder.ok()) return encoder.error();
  encoder_ = std::move(encoder).value();
  encoding_ = std::jthread([this] { encoder_->run(); });
  writing_ = std::jthread([this] { write_chunks(); });
  return Ok{};
}

FilePushLog::~FilePushLog() { queue_.close(); }

void FilePushLog::append(LogRecord record) {
  check(record.lsn == next_lsn_, "lsns are consecutive");
  ++next_lsn_;
  kept_.push_back({record.lsn, round_up_to_block(sizeof(RecordHeader) + payload_bytes(record))});
  bytes_ += kept_.back().bytes;
  queue_.add(std::move(record));
}

uint64_t FilePushLog::bytes() const { return bytes_; }

uint64_t FilePushLog::reserve_bytes() const { return 2 * segment_bytes_; }

void FilePushLog::cut(Lsn replay_after) {
  check(replay_after < next_lsn_, "a log is cut below what was appended");
  replay_after_ = std::max(replay_after_, replay_after);
  for (; !kept_.empty() && kept_.front().lsn <= replay_after_; kept_.pop_front())
    bytes_ -= kept_.front().bytes;
  queue_.cut(replay_after);
}

void FilePushLog::write_chunks() {
  while (LogChunk* chunk = queue_.wait_for_chunk()) {
    Status done = chunk->file->write_at(
        chunk->offset, {reinterpret_cast<const char*>(chunk->memory.data()), chunk->bytes});
    const Lsn last = chunk->last_lsn;
    // Where no record ends in it there is nothing to acknowledge yet: the rest is synced with it.
    if (done.ok() && synced_ && last > 0) done = chunk->file->sync();
    if (!done.ok()) {
      queue_.fail();
      return logged_(done.error());
    }
    fault_point("log.chunk_written");
    queue_.give_back(chunk);
    if (last == 0) continue;
    acknowledged_.store(last, std::memory_order_relaxed);
    logged_(last);
  }
  if (const std::optional<Error> error = queue_.encoder_error()) logged_(*error);
}

}  // namespace cairn::ps
