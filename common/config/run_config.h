// Checkpoints and metrics of a run: `checkpoint` and `metrics` of a job file.
// Plain values with every default filled in; common/config/job_file.h reads and checks them. This
// header needs no library.
#pragma once

#include <cstdint>
#include <string>

namespace cairn {

struct CheckpointConfig {
  std::string dir;     // default <output>/checkpoints
  uint64_t every = 0;  // steps; 0: at the end of each epoch. The end of the run always has one.
  uint32_t keep = 2;   // the newest; the best by eval.monitor is kept besides
  friend bool operator==(const CheckpointConfig&, const CheckpointConfig&) = default;
};

struct MetricsConfig {
  bool enabled = true;
  std::string address = "127.0.0.1";
  uint16_t port = 9400;  // of rank r: port + r; 0: chosen by the system
  std::string file_sd;   // default <output>/metrics_targets.json
  friend bool operator==(const MetricsConfig&, const MetricsConfig&) = default;
};

}  // namespace cairn
