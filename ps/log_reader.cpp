#include <fcntl.h>
#include <fmt/format.h>

#include <optional>
#include <string>

#include "common/file.h"
#include "ps/file_push_log.h"
#include "ps/log_format.h"

namespace cairn {

namespace {

Error corrupt(const File& file, uint64_t offset, std::string_view why) {
  return {ErrorCode::kCorrupt, fmt::format("{} at byte {}: {}", file.path().string(), offset, why)};
}

struct Position {
  uint64_t generation = 0;
  Lsn next_lsn = 0;  // 0: of the first segment's header
};

// Checks that this segment goes on where the one before it ended.
Status read_segment_header(const File& file, Position& at) {
  SegmentHeader header;
  const Status read = file.read_at(0, reinterpret_cast<char*>(&header), sizeof header);
  if (!read.ok()) return read;
  if (header.magic != kSegmentMagic || header.checksum != checksum_of(header))
    return corrupt(file, 0, "damaged segment header");
  if (header.version != kLogVersion)
    return corrupt(file, 0, fmt::format("log version {}, want {}", header.version, kLogVersion));
  if (at.next_lsn != 0 && header.previous_last != at.next_lsn - 1)
    return corrupt(file, 0,
                   fmt::format("the segment before ends at lsn {}, want {}", at.next_lsn - 1,
                               header.previous_last));
  at.generation = header.generation;
  at.next_lsn = header.first_lsn;
  return Ok{};
}

// The record at `offset`, and its offset moved past it; nothing where no whole record is.
Result<std::optional<LogRecord>> read_record(const File& file, uint64_t file_bytes,
                                             const Position& at, uint64_t& offset) {
  RecordHeader header;
  if (offset + sizeof header > file_bytes) return std::optional<LogRecord>();
  Status read = file.read_at(offset, reinterpret_cast<char*>(&header), sizeof header);
  if (!read.ok()) return read.error();
  const bool expected = header.magic == kRecordMagic && header.generation == at.generation &&
                        header.lsn == at.next_lsn &&
                        header.payload_bytes <= file_bytes - offset - sizeof header;
  if (!expected) return std::optional<LogRecord>();
  std::string payload(header.payload_bytes, '\0');
  read = file.read_at(offset + sizeof header, payload.data(), payload.size());
  if (!read.ok()) return read.error();
  const Bytes pieces[] = {payload};
  if (header.checksum != checksum_of(header, pieces)) return std::optional<LogRecord>();
  Result<LogRecord> record = decode_payload(header, payload);
  if (!record.ok()) return corrupt(file, offset, record.error().message);
  offset += round_up_to_block(sizeof header + header.payload_bytes);
  return std::optional<LogRecord>(std::move(record).value());
}

}  // namespace

Status read_log(const std::filesystem::path& folder,
                const std::function<Status(const LogRecord& record)>& record) {
  const Result<std::vector<uint32_t>> numbers = list_segments(folder);
  if (!numbers.ok()) return numbers.error();
  Position at;
  for (const uint32_t number : numbers.value()) {
    const Result<File> file = File::open(segment_path(folder, number), O_RDONLY);
    if (!file.ok()) return file.error();
    const Result<uint64_t> bytes = file.value().size();
    if (!bytes.ok()) return bytes.error();
    const Status header = read_segment_header(file.value(), at);
    if (!header.ok()) return header;
    for (uint64_t offset = kLogBlockBytes;; ++at.next_lsn) {
      const auto next = read_record(file.value(), bytes.value(), at, offset);
      if (!next.ok()) return next.error();
      if (!next.value()) break;
      const Status seen = record(*next.value());
      if (!seen.ok()) return seen;
    }
  }
  return Ok{};
}

}  // namespace cairn
