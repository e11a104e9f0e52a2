// Walks the segments of a push log and finds the log's end. This is the validation of
// ps/log/log_reader.h alone; the reader decides what follows. The scan reads every byte once, with
// one segment in memory at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "common/result.h"
#include "ps/log/log_format.h"
#include "ps/log/segment_image.h"

namespace cairn::ps {

// The whole records behind a damaged one. They are given up with it, as steps are applied in order.
struct LostRecords {
  Lsn highest_lsn = 0;
  uint64_t gradients = 0;  // of rows
  uint64_t bytes = 0;
  std::set<uint32_t> tables;  // that they touch
};

class LogScan {
 public:
  struct Place {
    Lsn lsn = 0;
    uint32_t segment = 0;
    uint64_t offset = 0;
    uint64_t bytes = 0;  // in the file
  };
  struct Segment {
    uint32_t number = 0;
    Lsn last_lsn = 0;  // of its intact part
  };
  // Where the log ends, and why.
  struct Failure {
    std::filesystem::path file;
    uint64_t offset = 0;
    Lsn lsn = 0;    // that was expected there; 0: there is no record at all
    Lsn acked = 0;  // the highest that was acknowledged when some record behind it was written
    bool undecodable = false;
    LostRecords behind;

    bool is_damage() const { return undecodable || (lsn > 0 && acked >= lsn); }
  };

  // Segments `numbers`, ascending. Errors: kUnavailable; kCorrupt for a log of another version.
  static Result<LogScan> run(FileLayer& files, const std::filesystem::path& folder,
                             std::span<const uint32_t> numbers);

  std::vector<Place> records;     // the intact part
  std::vector<Segment> segments;  // that belong to it
  std::vector<uint32_t> others;   // that do not: nothing in them was ever acknowledged, or damage
  std::optional<LogRecord> replay_start;  // the newest replay start
  uint64_t generation = 0;                // the highest
  Lsn first_previous_last = 0;            // of the first segment's header
  Lsn last_lsn = 0;
  std::optional<Failure> damage;  // acknowledged records are missing

 private:
  Status read_segment(FileLayer& files, const std::filesystem::path& path, uint32_t number);
  bool continues(const SegmentHeader& header) const;
  Status read_records(const SegmentImage& image, const std::filesystem::path& path,
                      uint32_t number);
  void look_behind(const SegmentImage& image, uint64_t offset);
  void give_up(const SegmentImage& image, const RecordHeader& header, uint64_t offset);

  bool started_ = false;  // an intact segment header was seen
  uint64_t expected_generation_ = 0;
  Lsn expected_lsn_ = 0;
  std::optional<Failure> failure_;
};

}  // namespace cairn::ps
