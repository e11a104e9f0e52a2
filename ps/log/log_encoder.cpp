#include "ps/log/log_encoder.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>

#include "common/check.h"
#include "common/fault_point.h"

namespace cairn::ps {

namespace {

constexpr char kZeros[kLogBlockBytes] = {};

}  // namespace

LogEncoder::LogEncoder(const Start& start, std::unique_ptr<SegmentFolder> folder, LogQueue& queue,
                       const std::atomic<Lsn>& acknowledged)
    : generation_(start.generation),
      chunk_bytes_(start.chunk_bytes),
      folder_(std::move(folder)),
      queue_(queue),
      acknowledged_(acknowledged),
      next_lsn_(start.next_lsn),
      previous_last_(start.previous_last) {}

Result<std::unique_ptr<LogEncoder>> LogEncoder::create(const Start& start,
                                                       std::unique_ptr<SegmentFolder> folder,
                                                       LogQueue& queue,
                                                       const std::atomic<Lsn>& acknowledged) {
  std::unique_ptr<LogEncoder> encoder(
      new LogEncoder(start, std::move(folder), queue, acknowledged));
  Status started = encoder->start_first_segment();
  if (!started.ok() && started.error().code == ErrorCode::kInvalidArgument) {
    spdlog::warn("{}; the push log is written through the page cache, which is slower",
                 started.error().message);
    encoder->folder_->give_up_direct();
    started = encoder->start_first_segment();
  }
  if (!started.ok()) return started.error();
  return encoder;
}

Status LogEncoder::start_first_segment() {
  Result<SegmentFolder::Opened> opened = folder_->next(0, previous_last_);
  if (!opened.ok()) return opened.error();
  segment_ = std::move(opened).value();
  const Pages block(kLogBlockBytes, false);
  const SegmentHeader header = segment_header();
  std::memcpy(block.data(), &header, sizeof header);
  const Status written =
      segment_.file->write_at(0, {reinterpret_cast<const char*>(block.data()), kLogBlockBytes});
  if (!written.ok()) return written;
  fault_point("log.first_header_written");
  end_ = kLogBlockBytes;
  if (const Status synced = segment_.file->sync(); !synced.ok()) return synced;
  return folder_->sync();
}

SegmentHeader LogEncoder::segment_header() const {
  SegmentHeader header;
  header.generation = generation_;
  header.first_lsn = next_lsn_;
  header.previous_last = previous_last_;
  header.checksum = checksum_of(header);
  return header;
}

void LogEncoder::run() {
  for (;;) {
    LogQueue::Work work = queue_.wait_for_work(chunk_ != nullptr);
    // First, so that it is done once a record is acknowledged that was appended after it.
    if (work.cut.has_value())
      if (const Status cut = folder_->retire_up_to(*work.cut); !cut.ok())
        return queue_.end(cut.error());
    for (LogRecord& record : work.records) {
      if (const Status encoded = encode(record); !encoded.ok()) return queue_.end(encoded.error());
      record.push.reset();  // a group's messages are large, and go one by one
      if (queue_.writer_waits()) hand_over();
    }
    if (work.ended || (work.records.empty() && queue_.writer_waits())) hand_over();
    if (work.ended) return queue_.end(std::nullopt);
  }
}

Status LogEncoder::encode(const LogRecord& record) {
  check(record.lsn == next_lsn_, "lsns are consecutive");
  const EncodedPayload payload = encode_payload(record);
  RecordHeader header;
  header.kind = record.kind;
  header.generation = generation_;
  header.lsn = record.lsn;
  header.acked = acknowledged_.load(std::memory_order_relaxed);
  header.payload_bytes = payload.bytes;
  header.checksum = checksum_of(header, payload.pieces);

  const uint64_t bytes = round_up_to_block(sizeof header + payload.bytes);
  if (end_ + bytes > segment_.bytes)
    if (const Status started = start_segment(bytes); !started.ok()) return started;
  bool put_all = put(bytes_of(header));
  for (const Bytes piece : payload.pieces) put_all = put_all && put(piece);
  put_all = put_all && put(Bytes(kZeros).first(bytes - sizeof header - payload.bytes));
  // False only once a write has failed, which the writer reports.
  if (put_all) chunk_->last_lsn = record.lsn;
  ++next_lsn_;
  return Ok{};
}

Status LogEncoder::start_segment(uint64_t record_bytes) {
  hand_over();
  previous_last_ = next_lsn_ - 1;
  Result<SegmentFolder::Opened> opened =
      folder_->next(kLogBlockBytes + record_bytes, previous_last_);
  if (!opened.ok()) return opened.error();
  segment_ = std::move(opened).value();
  end_ = 0;
  const SegmentHeader header = segment_header();
  if (put(bytes_of(header))) put(Bytes(kZeros).subspan(sizeof header));
  return Ok{};
}

bool LogEncoder::put(Bytes bytes) {
  while (!bytes.empty()) {
    if (chunk_ != nullptr && chunk_->bytes == chunk_bytes_) hand_over();
    if (chunk_ == nullptr && !open_chunk()) return false;
    const Bytes part = bytes.first(std::min<uint64_t>(bytes.size(), chunk_bytes_ - chunk_->bytes));
    std::memcpy(chunk_->memory.data() + chunk_->bytes, part.data(), part.size());
    chunk_->bytes += part.size();
    end_ += part.size();
    bytes = bytes.subspan(part.size());
  }
  return true;
}

bool LogEncoder::open_chunk() {
  chunk_ = queue_.wait_for_empty();
  if (chunk_ == nullptr) return false;
  chunk_->bytes = 0;
  chunk_->file = segment_.file;
  chunk_->offset = end_;
  chunk_->last_lsn = 0;
  return true;
}

void LogEncoder::hand_over() {
  if (chunk_ != nullptr) queue_.hand_over(chunk_);
  chunk_ = nullptr;
}

}  // namespace cairn::ps
