#include "ps/log_reader.h"

#include <fmt/format.h>

#include <utility>

namespace cairn {

namespace {

// Where the newest stretch of consecutive numbers begins. What lies before a gap is left of a cut
// that a power cut did half: the BASE tells whether more is missing.
size_t start_of(std::span<const uint32_t> numbers) {
  size_t start = numbers.size();
  while (start > 1 && numbers[start - 2] + 1 == numbers[start - 1]) --start;
  return start > 0 ? start - 1 : 0;
}

bool covers_its_start(const LogScan& scan) {
  if (scan.records.empty()) return true;
  return scan.base.has_value() && scan.base->base >= scan.first_previous_last;
}

Result<LogScan> scan_from_newest_start(const std::filesystem::path& folder,
                                       std::span<const uint32_t> numbers) {
  const size_t start = start_of(numbers);
  Result<LogScan> scan = LogScan::run(folder, numbers.subspan(start));
  if (!scan.ok() || start == 0 || covers_its_start(scan.value())) return scan;
  return LogScan::run(folder, numbers);
}

std::string text_of(const LogScan::Failure& damage) {
  return fmt::format(
      "{} at byte {}: log record {} is {}, though records up to {} were acknowledged",
      damage.file.string(), damage.offset, damage.lsn,
      damage.undecodable ? "malformed" : "damaged or missing", damage.acked);
}

}  // namespace

Result<std::unique_ptr<LogReader>> LogReader::open(const std::filesystem::path& folder,
                                                   const LogReaderOptions& options) {
  std::vector<uint32_t> numbers;
  if (std::filesystem::exists(folder)) {
    Result<std::vector<uint32_t>> listed = list_segments(folder);
    if (!listed.ok()) return listed.error();
    numbers = std::move(listed).value();
  }
  Result<LogScan> scan = scan_from_newest_start(folder, numbers);
  if (!scan.ok()) return scan.error();
  if (scan.value().damage.has_value() && options.recovery == Recovery::kStrict)
    return Error{ErrorCode::kCorrupt, text_of(*scan.value().damage)};
  if (!covers_its_start(scan.value()) ||
      (scan.value().damage.has_value() && scan.value().records.empty()))
    return Error{ErrorCode::kCorrupt,
                 fmt::format("{}: the log from lsn {} on has no BASE that covers its start",
                             folder.string(), scan.value().first_previous_last + 1)};
  return std::unique_ptr<LogReader>(new LogReader(folder, std::move(scan).value()));
}

LogReader::LogReader(std::filesystem::path folder, LogScan scan) : folder_(std::move(folder)) {
  end_.last_lsn = scan.last_lsn;
  end_.next_generation = scan.generation + 1;
  for (const LogScan::Segment& segment : scan.segments)
    end_.segments.push_back({segment.number, segment.last_lsn});
  if (scan.base.has_value()) base_ = LogBase{scan.base->base, std::move(scan.base->sequences)};
  end_.base = base_.has_value() ? base_->base : scan.last_lsn;
  for (const LogScan::Place& record : scan.records) {
    if (record.lsn <= end_.base) continue;
    end_.records.push_back({record.lsn, record.bytes});
    records_.push_back(record);
  }
  if (const auto& damage = scan.damage; damage.has_value())
    lost_.push_back({damage->file, damage->offset, damage->lsn,
                     std::max(damage->acked, damage->lsn), text_of(*damage)});
}

LogReader::~LogReader() = default;

Status LogReader::for_each(const std::function<Status(const LogRecord& record)>& record) const {
  for (size_t i = 0; i < records_.size();) {
    const uint32_t segment = records_[i].segment;
    const std::filesystem::path path = segment_path(folder_, segment);
    const Result<SegmentImage> image = SegmentImage::read(path);
    if (!image.ok()) return image.error();
    for (; i < records_.size() && records_[i].segment == segment; ++i) {
      const std::optional<RecordHeader> header = image.value().record_at(records_[i].offset);
      if (!header.has_value())
        return Error{ErrorCode::kCorrupt, fmt::format("{} at byte {} changed while it was read",
                                                      path.string(), records_[i].offset)};
      const Result<LogRecord> decoded = image.value().decode(*header, records_[i].offset);
      if (!decoded.ok()) return decoded.error();
      const Status seen = record(decoded.value());
      if (!seen.ok()) return seen;
    }
  }
  return Ok{};
}

}  // namespace cairn
