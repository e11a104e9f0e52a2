// A job, as plain values: what the YAML file says, with every default filled in.
// common/config/job_file.h reads and checks it. Whoever needs one part of it includes that part
// alone. This header needs no library, so everything may include it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/config/data_config.h"
#include "common/config/feature_config.h"
#include "common/config/model_config.h"
#include "common/config/ps_config.h"
#include "common/config/run_config.h"
#include "common/config/table_config.h"
#include "common/config/train_config.h"

namespace cairn {

struct JobConfig {
  std::string output;
  DataConfig data;
  std::vector<FeatureConfig> features;
  ModelConfig model;
  TrainConfig train;
  EvalConfig eval;
  PsConfig ps;
  std::vector<TableConfig> tables;  // in the order of first use by a feature; ids are positions
  CheckpointConfig checkpoint;
  MetricsConfig metrics;

  uint32_t shards() const { return ps.servers * ps.shards_per_server; }
  friend bool operator==(const JobConfig&, const JobConfig&) = default;
};

}  // namespace cairn
