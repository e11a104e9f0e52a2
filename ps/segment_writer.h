// The files of FilePushLog: appends records to the newest segment, starts the next one when it is
// full, removes old ones. It blocks. Thread safety: none; it belongs to the log's writer thread.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "common/file.h"
#include "common/result.h"
#include "ps/log_format.h"
#include "ps/log_reader.h"

namespace cairn {

class SegmentWriter {
 public:
  // Makes the first segment. Errors: kUnavailable.
  static Result<std::unique_ptr<SegmentWriter>> create(const std::filesystem::path& folder,
                                                       Lsn next_lsn,
                                                       const std::optional<LogEnd>& after,
                                                       uint64_t segment_bytes);

  // Appends records, whose lsns follow the last one's. After an error nothing may be appended.
  Status append(std::span<const LogRecord> records, Lsn acked);

  // Removes segments that hold no record above `base`; the newest stays.
  Status remove_up_to(Lsn base);

 private:
  SegmentWriter(std::filesystem::path folder, Lsn next_lsn, const std::optional<LogEnd>& after,
                uint64_t segment_bytes);
  Status start_segment(uint64_t bytes_needed);

  const std::filesystem::path folder_;
  const uint64_t generation_;
  const uint64_t segment_bytes_;
  Lsn next_lsn_;
  Lsn previous_last_;                     // of the segment before the one written to
  std::deque<LogEnd::Segment> segments_;  // before the one written to, ascending
  uint32_t number_;                       // of the one written to
  File file_;
  uint64_t capacity_ = 0;  // of `file_`
  uint64_t end_ = 0;       // where its next record goes
};

}  // namespace cairn
