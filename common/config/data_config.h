// The files that a job reads, and how: `data` of a job file.
// Plain values with every default filled in; common/config/job_file.h reads and checks them. This
// header needs no library.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cairn {

enum class DataFormat : uint8_t { kCsv, kTsv, kCriteo };

struct DataConfig {
  DataFormat format = DataFormat::kCsv;
  std::vector<std::string> train;    // files, in order; .gz and .zst are decoded into `cache`
  std::vector<std::string> eval;     // may be empty: then there is no evaluation
  bool header = true;                // the first line of every file names the columns
  std::vector<std::string> columns;  // names, in order; only where there is no header
  std::string missing;               // text that marks a missing field; an empty field always does
  uint32_t readers = 16;             // V, virtual readers; fixed for the life of a job
  bool shuffle = true;               // shuffles training samples
  uint64_t max_bad_samples = 100;
  std::string cache;  // folder of decoded files; default <output>/cache
  friend bool operator==(const DataConfig&, const DataConfig&) = default;
};

}  // namespace cairn
