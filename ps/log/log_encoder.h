// Turns records into the bytes of segments (ps/log/log_format.h). It checksums records, copies them
// into chunks and starts the next segment when one is full. Thread safety: none; the log's encoder
// thread owns it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "common/result.h"
#include "ps/log/log_format.h"
#include "ps/log/log_queue.h"
#include "ps/log/segment_folder.h"

namespace cairn::ps {

class LogEncoder {
 public:
  struct Start {
    uint64_t generation = 1;
    Lsn next_lsn = 1;       // of the first record
    Lsn previous_last = 0;  // of the segment before the first
    uint64_t chunk_bytes = 0;
  };

  // Starts the first segment. The header is made durable, so that no later run can take this
  // generation's number again. Falls back to buffered writing where the system refuses direct I/O.
  // Errors: kUnavailable.
  static Result<std::unique_ptr<LogEncoder>> create(const Start& start,
                                                    std::unique_ptr<SegmentFolder> folder,
                                                    LogQueue& queue,
                                                    const std::atomic<Lsn>& acknowledged);

  // Encodes until the queue is closed or an error ends the log.
  void run();

 private:
  LogEncoder(const Start& start, std::unique_ptr<SegmentFolder> folder, LogQueue& queue,
             const std::atomic<Lsn>& acknowledged);
  Status start_first_segment();
  Status start_segment(uint64_t record_bytes);
  SegmentHeader segment_header() const;
  Status encode(const LogRecord& record);
  bool put(Bytes bytes);
  bool open_chunk();
  void hand_over();

  const uint64_t generation_;
  const uint64_t chunk_bytes_;
  const std::unique_ptr<SegmentFolder> folder_;
  LogQueue& queue_;
  const std::atomic<Lsn>& acknowledged_;
  Lsn next_lsn_;
  Lsn previous_last_;  // of the segment before the one written to
  SegmentFolder::Opened segment_;
  uint64_t end_ = 0;           // of what was put into the segment
  LogChunk* chunk_ = nullptr;  // that is being filled
};

}  // namespace cairn::ps
