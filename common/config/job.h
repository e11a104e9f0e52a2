// A job, as plain values: what the YAML file says, with every default filled in.
// common/config/job_file.h reads and checks it. This header needs no library, so everything may
// include it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/value_type.h"

namespace cairn {

// ---- data

enum class DataFormat : uint8_t { kCsv, kTsv, kCriteo };

struct DataConfig {
  DataFormat format = DataFormat::kCsv;
  std::vector<std::string> train;    // files, in order; .gz and .zst are decoded into `cache`
  std::vector<std::string> eval;     // may be empty: then there is no evaluation
  bool header = true;                // the first line of every file names the columns
  std::vector<std::string> columns;  // names, in order; only where there is no header
  std::string missing;               // a field of this text is missing, as an empty one always is
  uint32_t readers = 16;             // V, virtual readers; fixed for the life of a job
  bool shuffle = true;               // of training rows
  uint64_t max_bad_rows = 100;
  std::string cache;  // folder of decoded files; default <output>/cache
  friend bool operator==(const DataConfig&, const DataConfig&) = default;
};

// ---- features

enum class Transform : uint8_t {
  // float -> float
  kLog1p,        // log(1 + max(x, 0))
  kStandardize,  // (x - mean) / deviation, of the training data
  // text or number -> id
  kHash,
  kInteger,
  kBucketize,  // index among `boundaries`
  kCross,      // hash of the values of several columns together
  kHourOfDay,  // of Unix seconds, UTC: 0..23
  kDayOfWeek,  // of Unix seconds, UTC: 0 = Monday
};

enum class Pooling : uint8_t { kSum, kMean, kMax, kAttention };

// One input of the model: a number, or a bag of ids that is looked up in a table and pooled.
struct FeatureConfig {
  std::string name;
  std::vector<std::string> columns;  // one; two or more for kCross
  std::vector<Transform>
      transforms;  // applied in order; an id transform comes last; none: a plain number
  std::vector<double> boundaries;  // ascending, for kBucketize
  uint64_t num_buckets = 0;        // ids are taken modulo this; 0: not
  std::string separator;           // of a multi-valued column; empty: single-valued
  Pooling pooling = Pooling::kSum;
  std::string target;          // kAttention: the id feature that the ids are weighed for
  std::string table;           // by default the feature's name
  double missing_value = 0.0;  // of a number, before transforms; standardized columns: the mean

  bool is_id() const { return !transforms.empty() && transforms.back() >= Transform::kHash; }
  friend bool operator==(const FeatureConfig&, const FeatureConfig&) = default;
};

// ---- learning rates, of rows and of dense parameters: common/config/learning_rate.h

enum class Schedule : uint8_t { kConstant, kStep, kCosine, kInverseSqrt };

struct ScheduleConfig {
  Schedule kind = Schedule::kConstant;
  uint64_t warmup_steps = 0;     // of a linear rise before it; 0: none
  uint64_t decay_steps = 10000;  // step: between two falls; cosine: until it is at its end
  float factor = 0.1f;           // step: of a fall; cosine: of the rate at the end
  friend bool operator==(const ScheduleConfig&, const ScheduleConfig&) = default;
};

// ---- tables and row optimizers

// What each optimizer takes of this: common/config/row_optimizers.def.
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

// Which keys get a row (ps/policy/admission.h). At most one of the two policies is set.
struct AdmissionConfig {
  uint32_t min_count = 1;    // steps whose batch held the key, the one that admits it included
  float probability = 1.0f;  // that a step admits a key without a row
  uint64_t filter_bytes = uint64_t{64} << 20;  // of all shards together; where min_count > 1
  friend bool operator==(const AdmissionConfig&, const AdmissionConfig&) = default;
};

// Which rows go (ps/policy/removal.h); 0: no such policy.
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

// ---- model

enum class Activation : uint8_t { kNone, kRelu, kGelu, kSilu, kPrelu, kSigmoid, kTanh };
enum class Normalization : uint8_t { kNone, kLayer, kBatch };
enum class Structure : uint8_t { kParallel, kStacked };
enum class Interaction : uint8_t { kNone, kCross, kFm, kDot };
enum class CrossType : uint8_t { kVector, kFull, kLowRank, kMixture };
enum class Head : uint8_t { kSharedBottom, kMmoe, kPle };
enum class Loss : uint8_t { kBce, kMse, kFocal, kHuber, kPairwise };
enum class TaskWeights : uint8_t { kFixed, kUncertainty };
enum class Comparison : uint8_t { kNone, kGreaterEqual, kGreater, kLessEqual, kLess, kEqual };

// Whether labels are 0 or 1 and predictions probabilities.
constexpr bool is_binary(Loss loss) { return loss != Loss::kMse && loss != Loss::kHuber; }

struct TaskConfig {
  std::string name;
  std::string column;                         // `label: rating >= 4` is column "rating",
  Comparison comparison = Comparison::kNone;  // comparison >=,
  double threshold = 0.0;                     // threshold 4
  Loss loss = Loss::kBce;
  float focal_gamma = 2.0f, focal_alpha = 0.25f;  // focal
  float huber_delta = 1.0f;                       // huber
  float weight = 1.0f;
  std::string sample_weight;         // column of the weight of each row; empty: all weigh 1
  std::vector<std::string> product;  // ESMM: tasks whose probabilities are multiplied; else empty
  friend bool operator==(const TaskConfig&, const TaskConfig&) = default;
};

inline constexpr uint32_t kTasksMax = 16;

struct ModelConfig {
  Structure structure = Structure::kParallel;
  bool wide = false;  // the first floats of a row are its weights in a linear part, one a task
  Interaction interaction = Interaction::kCross;
  CrossType cross_type = CrossType::kFull;
  uint32_t cross_layers = 3;                      // 0: none
  uint32_t cross_rank = 32;                       // low_rank, mixture
  uint32_t cross_experts = 4;                     // mixture
  std::vector<uint32_t> bottom_units = {64};      // dot: layers that make a vector of the numbers
  std::vector<uint32_t> deep_units = {256, 128};  // empty: no deep tower
  Activation activation = Activation::kRelu;
  Normalization normalization = Normalization::kNone;  // of the deep and the tasks' towers
  float dropout = 0.0f;                                // of the same; the share that is dropped
  std::vector<uint32_t> attention_units = {36};        // kAttention: layers that make a score
  bool attention_softmax = false;                      // kAttention: scores of a row sum to 1
  Head head = Head::kSharedBottom;
  uint32_t experts = 4;       // mmoe; ple: that tasks share
  uint32_t task_experts = 2;  // ple: of each task
  uint32_t levels = 1;        // ple: of extraction
  std::vector<uint32_t> expert_units = {
      64};  // mmoe, ple: layers of each expert; shared_bottom: of the bottom
  std::vector<uint32_t> tower_units;  // hidden layers of each task's tower
  TaskWeights task_weights = TaskWeights::kFixed;
  float l2 = 0.0f;  // half the sum of squared weights, times this, is added to the loss
  std::vector<TaskConfig> tasks;
  friend bool operator==(const ModelConfig&, const ModelConfig&) = default;
};

// ---- training

struct DenseOptimizerConfig {
  std::string name = "adam";  // sgd, momentum, nesterov, adagrad, adam, adamw, lamb
  float learning_rate = 1e-3f;
  float momentum = 0.9f;               // momentum, nesterov
  float initial_accumulator = 0.0f;    // adagrad
  float beta1 = 0.9f, beta2 = 0.999f;  // adam, adamw, lamb
  float epsilon = 1e-8f;
  ScheduleConfig schedule;
  float weight_decay = 0.01f;  // adamw, lamb: of weight matrices
  float clip_norm = 0.0f;      // the most that all gradients together may measure; 0: any
  friend bool operator==(const DenseOptimizerConfig&, const DenseOptimizerConfig&) = default;
};

enum class Consistency : uint8_t { kSync };
// Of the factors of matrix products; weights, sums and everything else are f32. TF32 keeps the ten
// highest of a factor's 23 fraction bits.
enum class Precision : uint8_t { kF32, kTf32, kBf16 };

struct TrainConfig {
  uint32_t workers = 2;
  uint64_t batch_size = 4096;  // of all workers together
  uint32_t epochs = 1;
  uint64_t max_steps = 0;  // 0: no limit
  uint64_t seed = 1;
  uint32_t prefetch = 1;  // steps ahead that rows are pulled
  bool early_pulls =
      false;  // rows are pulled before the step before is over, and then what changed
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
  uint64_t row_cache_bytes = uint64_t{64} << 20;  // a worker's, on its device
  friend bool operator==(const EvalConfig&, const EvalConfig&) = default;
};

// ---- servers, checkpoints, metrics

// What an acknowledged push survives: the death of its server, that of the host too, or nothing.
enum class Durability : uint8_t { kProcess, kMachine, kCheckpoint };
// What a server does that finds acknowledged pushes missing from its log: refuse, or open what is
// intact and report the rest.
enum class Recovery : uint8_t { kStrict, kReport };

struct PsConfig {
  uint32_t servers = 1;
  uint32_t shards_per_server = 1;
  uint64_t hot_bytes = 0;  // of one shard; 0: auto, a quarter of memory over the shards of a host
  uint64_t log_bytes_max = uint64_t{3} << 29;  // of one shard; 22 M rows of dim 16
  Durability durability = Durability::kProcess;
  Recovery recovery = Recovery::kStrict;
  std::string state;                  // live stores; default <output>/state
  std::string transport = "auto";     // auto, tcp, ipc: auto is ipc where all ranks share a host
  std::string address = "127.0.0.1";  // that tcp endpoints bind to
  bool allow_insecure = false;  // endpoints off loopback are neither encrypted nor authenticated
  ValueType wire = ValueType::kFloat32;  // of weights pulled and gradients pushed
  uint32_t timeout_s = 120;
  uint32_t max_respawns = 3;  // of each server process within a run
  uint32_t read_threads = 2;  // of one shard, for rows that are not in memory
  // Steps after which every slot has been examined once for rows that expire or exceed a cap.
  uint32_t policy_period = 16'384;
  friend bool operator==(const PsConfig&, const PsConfig&) = default;
};

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
