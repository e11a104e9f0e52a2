// The model and its tasks: `model` of a job file.
// Plain values with every default filled in; common/config/job_file.h reads and checks them. This
// header needs no library.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cairn {

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
  std::string sample_weight;         // column of each sample's weight; empty: all weigh 1
  std::vector<std::string> product;  // ESMM: tasks whose probabilities are multiplied; else empty
  friend bool operator==(const TaskConfig&, const TaskConfig&) = default;
};

inline constexpr uint32_t kTasksMax = 16;

struct ModelConfig {
  Structure structure = Structure::kParallel;
  bool wide = false;  // the first floats of a row are its weights in a linear part, one per task
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
  uint32_t experts = 4;       // mmoe: all; ple: the shared ones
  uint32_t task_experts = 2;  // ple: per task
  uint32_t levels = 1;        // ple: levels of extraction
  std::vector<uint32_t> expert_units = {
      64};  // mmoe, ple: layers of each expert; shared_bottom: of the bottom
  std::vector<uint32_t> tower_units;  // hidden layers of each task's tower
  TaskWeights task_weights = TaskWeights::kFixed;
  float l2 = 0.0f;  // half the sum of squared weights, times this, is added to the loss
  std::vector<TaskConfig> tasks;
  friend bool operator==(const ModelConfig&, const ModelConfig&) = default;
};

}  // namespace cairn
