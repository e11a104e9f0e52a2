#include "ps/log/log_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace cairn::ps {

namespace {

// Where the newest stretch of consecutive numbers begins. What lies before a gap is left of a cut
// that a power cut did half: the replay start tells whether more is missing.
size_t start_of(std::span<const uint32_t> numbers) {
  size_t start = numbers.size();
  while (start > 1 && numbers[start - 2] + 1 == numbers[start - 1]) --start;
  return start > 0 ? start - 1 : 0;
}

bool covers_its_start(const LogScan& scan) {
  if (scan.records.empty()) return true;
  return scan.replay_start.has_value() &&
         scan.replay_start->replay_after >= scan.first_previous_last;
}

Result<LogScan> scan_from_newest_start(FileLayer& files, const std::filesystem::path& folder,
                                       std::span<const uint32_t> numbers) {
  const size_t start = start_of(numbers);
  Result<LogScan> scan = LogScan::run(files, folder, numbers.subspan(start));
  if (!scan.ok() || start == 0) return scan;
  if (!scan.value().records.empty() && covers_its_start(scan.value())) {
    scan.value().others.insert(scan.value().others.begin(), numbers.begin(),
                               numbers.begin() + static_cast<std::ptrdiff_t>(start));
    return scan;
  }
  return LogScan::run(files, folder, numbers);
}

// Log rule 4: under `durability: process` a log counts only within the kernel boot that wrote it.
Status validate_boot(FileLayer& files, const std::filesystem::path& folder,
                     const std::string& now) {
  const std::filesystem::path path = folder / kBootFile;
  const auto file = files.open(path, FileLayer::Access::kRead);
  if (!file.ok() && file.error().code == ErrorCode::kNotFound) return Ok{};
  if (!file.ok()) return file.error();
  const Result<uint64_t> bytes = file.value()->size();
  if (!bytes.ok()) return bytes.error();
  std::string written(std::min<uint64_t>(bytes.value(), 64), '\0');
  if (const Status read = file.value()->read_at(0, written); !read.ok()) return read;
  if (written == now) return Ok{};
  return Error{
      ErrorCode::kOutdated,
      fmt::format("{}: the log is of kernel boot {}, this is {}, and `durability: process` "
                  "does not survive the host: go back to the checkpoint",
                  path.string(), written, now)};
}

Lsn last_lost(const LogScan::Failure& damage) {
  return std::max({damage.lsn, damage.acked, damage.behind.highest_lsn});
}

std::string what_report_would_do(const LogScan::Failure& damage) {
  return fmt::format(
      "; with `ps.recovery: report` the shard would start with what comes before, and give up "
      "{} records, of which those that are whole hold {} row gradients",
      last_lost(damage) - damage.lsn + 1, damage.behind.gradients);
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
  FileLayer& files = *options.files;
  if (const Status same = validate_boot(files, folder, options.boot_id); !same.ok())
    return same.error();
  Result<std::vector<uint32_t>> numbers = list_segments(files, folder);
  if (!numbers.ok() && numbers.error().code != ErrorCode::kNotFound) return numbers.error();
  if (!numbers.ok()) numbers = std::vector<uint32_t>();
  Result<LogScan> scan = scan_from_newest_start(files, folder, numbers.value());
  if (!scan.ok()) return scan.error();
  if (scan.value().damage.has_value() && options.recovery == Recovery::kStrict)
    return Error{ErrorCode::kCorrupt,
                 text_of(*scan.value().damage) + what_report_would_do(*scan.value().damage)};
  if (!covers_its_start(scan.value()) ||
      (scan.value().damage.has_value() && scan.value().records.empty()))
    return Error{ErrorCode::kCorrupt,
                 fmt::format("{}: the log from lsn {} on has no replay start that covers its start",
                             folder.string(), scan.value().first_previous_last + 1)};
  return std::unique_ptr<LogReader>(new LogReader(files, folder, std::move(scan).value()));
}

LogReader::LogReader(FileLayer& files, std::filesystem::path folder, LogScan scan)
    : files_(files), folder_(std::move(folder)) {
  end_.last_lsn = scan.last_lsn;
  end_.next_generation = scan.generation + 1;
  for (const LogScan::Segment& segment : scan.segments)
    end_.segments.push_back({segment.number, segment.last_lsn});
  end_.others = std::move(scan.others);
  end_.damaged = scan.damage.has_value();
  if (scan.replay_start.has_value())
    replay_start_ =
        ReplayStart{scan.replay_start->replay_after, std::move(scan.replay_start->sequences)};
  end_.replay_after = replay_start_.has_value() ? replay_start_->replay_after : scan.last_lsn;
  for (const LogScan::Place& record : scan.records) {
    if (record.lsn <= end_.replay_after) continue;
    end_.records.push_back({record.lsn, record.bytes});
    records_.push_back(record);
  }
  if (const auto& damage = scan.damage; damage.has_value())
    lost_.push_back({damage->file, damage->offset, damage->lsn, last_lost(*damage), damage->behind,
                     text_of(*damage)});
}

LogReader::~LogReader() = default;

Status LogReader::for_each(const std::function<Status(const LogRecord& record)>& record) const {
  for (size_t i = 0; i < records_.size();) {
    const uint32_t segment = records_[i].segment;
    const std::filesystem::path path = segment_path(folder_, segment);
    const Result<SegmentImage> image = SegmentImage::read(files_, path);
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

}  // namespace cairn::ps
