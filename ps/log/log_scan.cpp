#include "ps/log/log_scan.h"

#include <fmt/format.h>

#include <algorithm>

namespace cairn::ps {

Result<LogScan> LogScan::run(FileLayer& files, const std::filesystem::path& folder,
                             std::span<const uint32_t> numbers) {
  LogScan scan;
  for (const uint32_t number : numbers) {
    const Status read = scan.read_segment(files, segment_path(folder, number), number);
    if (!read.ok()) return read.error();
  }
  if (scan.failure_.has_value() && scan.failure_->is_damage())
    scan.damage = std::move(scan.failure_);
  return scan;
}

Status LogScan::read_segment(FileLayer& files, const std::filesystem::path& path, uint32_t number) {
  const Result<SegmentImage> image = SegmentImage::read(files, path);
  if (!image.ok()) return image.error();
  const std::optional<SegmentHeader> header = image.value().header();
  if (header.has_value() && header->version != kLogVersion)
    return Error{ErrorCode::kCorrupt, fmt::format("{}: log version {}, want {}", path.string(),
                                                  header->version, kLogVersion)};
  if (header.has_value()) generation = std::max(generation, header->generation);
  if (header.has_value() && continues(*header)) {
    if (!started_) first_previous_last = header->previous_last;
    started_ = true;
    expected_generation_ = header->generation;
    expected_lsn_ = header->first_lsn;
    return read_records(image.value(), path, number);
  }
  if (!failure_.has_value()) failure_ = Failure{.file = path, .lsn = expected_lsn_};
  others.push_back(number);
  look_behind(image.value(), kLogBlockBytes);
  return Ok{};
}

// A header says where the log before it ended, and so settles what failed there. A recycled segment
// may still have the header of its former life: of lsns long past, or of an older generation.
bool LogScan::continues(const SegmentHeader& header) const {
  if (!started_) return !failure_.has_value();
  return header.generation >= expected_generation_ && header.previous_last == expected_lsn_ - 1;
}

Status LogScan::read_records(const SegmentImage& image, const std::filesystem::path& path,
                             uint32_t number) {
  failure_.reset();
  uint64_t offset = kLogBlockBytes;
  bool undecodable = false;
  for (;; ++expected_lsn_) {
    const std::optional<RecordHeader> header = image.record_at(offset);
    if (!header.has_value() || header->generation != expected_generation_ ||
        header->lsn != expected_lsn_)
      break;
    Result<LogRecord> record = image.decode(*header, offset);
    if (!record.ok()) {
      undecodable = true;
      break;
    }
    const uint64_t bytes = round_up_to_block(sizeof(RecordHeader) + header->payload_bytes);
    records.push_back({header->lsn, number, offset, bytes});
    if (header->kind == RecordKind::kReplayStart) replay_start = std::move(record).value();
    offset += bytes;
  }
  last_lsn = expected_lsn_ - 1;
  segments.push_back({number, last_lsn});
  failure_ =
      Failure{.file = path, .offset = offset, .lsn = expected_lsn_, .undecodable = undecodable};
  look_behind(image, offset);
  return Ok{};
}

// Records start at blocks.
void LogScan::look_behind(const SegmentImage& image, uint64_t offset) {
  for (; offset < image.bytes(); offset += kLogBlockBytes) {
    const std::optional<RecordHeader> header = image.record_at(offset);
    if (!header.has_value() || header->generation < expected_generation_) continue;
    // Before any intact segment header: the first whole record tells what should have been there.
    if (failure_->lsn == 0) failure_->lsn = header->lsn;
    failure_->acked = std::max(failure_->acked, header->acked);
    if (header->lsn >= failure_->lsn) give_up(image, *header, offset);
  }
}

void LogScan::give_up(const SegmentImage& image, const RecordHeader& header, uint64_t offset) {
  LostRecords& lost = failure_->behind;
  lost.highest_lsn = std::max(lost.highest_lsn, header.lsn);
  lost.bytes += sizeof header + header.payload_bytes;
  const Result<LogRecord> record = image.decode(header, offset);
  if (!record.ok() || record.value().kind != RecordKind::kPush) return;
  const Message& push = *record.value().push;
  lost.gradients += push.key_count();
  for (const TableEntry& entry : push.directory)
    if (entry.count > 0) lost.tables.insert(entry.table);
}

}  // namespace cairn::ps
