// Estimates what a job would start and need, for `cairn validate`. It reads the job, not its data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/config/job.h"

namespace cairn {

struct TableEstimate {
  std::string name;
  uint32_t dim = 0;
  uint64_t row_bytes =
      0;  // key, weights, optimizer state, count, last step, lsn: 44 + 4 (dim + state)
};

struct JobEstimate {
  uint32_t servers = 0, workers = 0, shards = 0;
  std::vector<TableEstimate> tables;
  uint64_t hot_bytes = 0;      // of one shard
  uint64_t hot_bytes_all = 0;  // of all shards
  uint64_t log_bytes_all = 0;  // of all shards, at most; 0 where durability needs no log
  uint64_t input_width = 0;    // columns of the model's input
  uint64_t dense_parameters = 0;
  double flops_per_sample = 0.0;        // of a training step: forward and backward
  uint64_t dense_bytes_per_worker = 0;  // parameters, gradients, optimizer state
  uint64_t dense_bytes_all = 0;         // of all workers
  uint64_t memory_bytes = 0;            // of a host, as given
  uint64_t checkpoints = 0;             // kept at once

  // The estimate as lines for people. One line warns where dense parameters exceed a host's memory.
  std::string text() const;
};

// `memory_bytes` is the memory of one host. `hot_bytes: auto` is estimated as if all shards shared
// one host.
JobEstimate estimate(const JobConfig& job, uint64_t memory_bytes);

}  // namespace cairn
