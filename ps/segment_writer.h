// The files of FilePushLog: appends records to the newest segment, starts the next one when it is
// full, removes old ones. It blocks. Thread safety: none; it belongs to the log's writer thread.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "common/file.h"
#include "common/result.h"
#include "ps/log_format.h"

namespace cairn {

class SegmentWriter {
 public:
  // Makes the first segment. Errors: kUnavailable.
  static Result<std::unique_ptr<SegmentWriter>> create(const std::filesystem::path& folder,
                                                       Lsn next_lsn, uint64_t generation,
                                                       uint64_t segment_bytes);

  // Appends records, whose lsns follow the last one's. After an error nothing may be appended.
  Status append(std::span<const LogRecord> records, Lsn acked);

  // Removes segments that hold no record above `base`; the newest stays.
  Status remove_up_to(Lsn base);

 private:
  struct Segment {
    uint32_t number = 0;
    Lsn first_lsn = 0;
  };

  SegmentWriter(std::filesystem::path folder, Lsn next_lsn, uint64_t generation,
                uint64_t segment_bytes);
  Status start_segment(uint64_t bytes_needed);

  const std::filesystem::path folder_;
  const uint64_t generation_;
  const uint64_t segment_bytes_;
  Lsn next_lsn_;
  std::deque<Segment> segments_;  // ascending; the last is written to
  File file_;
  uint64_t capacity_ = 0;  // of `file_`
  uint64_t end_ = 0;       // where its next record goes
};

}  // namespace cairn
