// One segment file of the push log in memory, and the records in it. Thread safety: read-only once
// it is read.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "common/result.h"
#include "ps/log/log_format.h"

namespace cairn::ps {

class SegmentImage {
 public:
  // Reads it whole. Errors: kUnavailable, kNotFound.
  static Result<SegmentImage> read(FileLayer& files, const std::filesystem::path& path);

  uint64_t bytes() const { return bytes_; }

  // The segment's header; nothing where the header is damaged, torn or was never written.
  std::optional<SegmentHeader> header() const;

  // The header of a whole record at `offset`, whatever its lsn; nothing where there is none.
  std::optional<RecordHeader> record_at(uint64_t offset) const;

  // Decodes a record that `record_at` found. A push points into this segment's memory, which lives
  // as long as the push. Errors: kCorrupt where the bytes that the checksum covers make no record.
  Result<LogRecord> decode(const RecordHeader& header, uint64_t offset) const;

 private:
  SegmentImage(std::shared_ptr<const char[]> memory, uint64_t bytes)
      : memory_(std::move(memory)), bytes_(bytes) {}

  std::shared_ptr<const char[]> memory_;  // shared with the pushes that were decoded from it
  uint64_t bytes_ = 0;
};

}  // namespace cairn::ps
