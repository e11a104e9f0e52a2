// Tables of embedding rows: their optimizer, initial values, admission and expiry.
// Plain values with every default filled in; common/config/job_file.h reads and checks them. This
// header needs no library.
#pragma once

#include <cstdint>
#include <string>

#include "common/config/schedule_config.h"
#include "common/value_type.h"

namespace cairn {

// Each optimizer takes a part of this: common/config/row_optimizers.def.
struct RowOptimizerConfig {
  std::string name = "adagrad";
  float learning_rate = 0.05f;
  float weight_decay = 0.0f;
  float clip_norm = 0.0f;  // largest norm of a row's gradient; 0: any
  float momentum = 0.9f;
  float epsilon = 1e-8f;
  float initial_accumulator = 0.0f;
  float decay = 0.99f;
  float rho = 0.95f;
  float beta1 = 0.9f, beta2 = 0.999f;
  float beta = 1.0f, l1 = 0.0f, l2 = 0.0f;
  ScheduleConfig schedule;
  friend bool operator==(const RowOptimizerConfig&, const RowOptimizerConfig&) = default;
};

enum class Initializer : uint8_t { kZero, kUniform, kNormal };

struct InitializerConfig {
  Initializer kind = Initializer::kNormal;
  float scale = 0.01f;  // half-width of the uniform, deviation of the normal
  friend bool operator==(const InitializerConfig&, const InitializerConfig&) = default;
};

// Decides which keys get a row (ps/policy/admission.h). At most one of the two policies is set.
struct AdmissionConfig {
  uint32_t min_count = 1;    // steps whose batch held the key, the one that admits it included
  float probability = 1.0f;  // chance that a step admits a key without a row
  uint64_t filter_bytes = uint64_t{64} << 20;  // all shards together; where min_count > 1
  friend bool operator==(const AdmissionConfig&, const AdmissionConfig&) = default;
};

// Decides which rows go (ps/policy/removal.h); 0: no such policy.
struct ExpiryConfig {
  uint64_t unseen_steps = 0;
  uint64_t age_steps = 0;  // since the row was created, which its record then holds
  float min_norm = 0.0f;   // of the weights, L2
  friend bool operator==(const ExpiryConfig&, const ExpiryConfig&) = default;
};

struct TableConfig {
  std::string name;
  uint32_t dim = 16;
  ValueType dtype = ValueType::kFloat32;  // of weights; optimizer state is f32
  RowOptimizerConfig optimizer;
  InitializerConfig initializer;
  AdmissionConfig admission;
  ExpiryConfig expiry;
  uint64_t max_rows = 0;  // over all shards; 0: no cap
  friend bool operator==(const TableConfig&, const TableConfig&) = default;
};

}  // namespace cairn
