// The list of a job's processes for Prometheus (`file_sd_configs`). Prometheus reads the file again
// whenever it changes.
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

// Replaces the file at once. Errors: those of common/atomic_file.h.
Status write_file_sd(const std::filesystem::path& path, std::span<const ScrapeTarget> targets);

}  // namespace cairn
