// The list of a job's processes that Prometheus watches (`file_sd_configs`): it reads the file
// again whenever it changes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "common/result.h"

namespace cairn {

struct ScrapeTarget {
  std::string address;  // host:port
  std::string role;     // label: server or worker
  uint32_t rank = 0;    // label: of the process in the job
};

// Replaces the file at once; see common/atomic_file.h for its errors.
Status write_file_sd(const std::filesystem::path& path, std::span<const ScrapeTarget> targets);

}  // namespace cairn
