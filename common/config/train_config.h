// Training and evaluation: `train` and `eval` of a job file.
// Plain values with every default filled in; common/config/job_file.h reads and checks them. This
// header needs no library.
#pragma once

#include <cstdint>
#include <string>

#include "common/config/schedule_config.h"

namespace cairn {

struct DenseOptimizerConfig {
  std::string name = "adam";  // sgd, momentum, nesterov, adagrad, adam, adamw, lamb
  float learning_rate = 1e-3f;
  float momentum = 0.9f;               // momentum, nesterov
  float initial_accumulator = 0.0f;    // adagrad
  float beta1 = 0.9f, beta2 = 0.999f;  // adam, adamw, lamb
  float epsilon = 1e-8f;
  ScheduleConfig schedule;
  float weight_decay = 0.01f;  // adamw, lamb: of weight matrices
  float clip_norm = 0.0f;      // largest norm of all gradients together; 0: any
  friend bool operator==(const DenseOptimizerConfig&, const DenseOptimizerConfig&) = default;
};

enum class Consistency : uint8_t { kSync };
// The type of the factors of matrix products. Weights, sums and everything else are f32. TF32 keeps
// the ten highest of a factor's 23 fraction bits.
enum class Precision : uint8_t { kF32, kTf32, kBf16 };

struct TrainConfig {
  uint32_t workers = 2;
  uint64_t batch_size = 4096;  // of all workers together
  uint32_t epochs = 1;
  uint64_t max_steps = 0;  // 0: no limit
  uint64_t seed = 1;
  uint32_t prefetch = 1;  // rows are pulled so many steps ahead
  bool speculative_pulls =
      false;  // pulls rows before the previous step is over, then what changed since
  std::string device = "cpu";
  Precision precision = Precision::kF32;
  Consistency consistency = Consistency::kSync;
  DenseOptimizerConfig optimizer;
  uint32_t report_every = 50;  // steps
  uint32_t stall_timeout_s = 1800;
  friend bool operator==(const TrainConfig&, const TrainConfig&) = default;
};

struct EvalConfig {
  uint64_t every = 0;          // steps; 0: at the end of each epoch
  uint64_t batch_size = 4096;  // of all workers together
  std::string monitor;         // "income.auc"; empty: none
  uint32_t patience = 0;       // evaluations without improvement before training stops; 0: never
  uint64_t row_cache_bytes = uint64_t{64} << 20;  // per worker, on its device
  friend bool operator==(const EvalConfig&, const EvalConfig&) = default;
};

}  // namespace cairn
