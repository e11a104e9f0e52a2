#include "common/config/schema_model.h"

#include "common/config/schema_builders.h"

namespace cairn {
namespace {

constexpr double kUnitsMax = 65'536;

const ModelConfig& model(const void* object) { return *static_cast<const ModelConfig*>(object); }
const TaskConfig& task(const void* object) { return *static_cast<const TaskConfig*>(object); }

bool has_cross(const void* object) { return model(object).interaction == Interaction::kCross; }
bool has_dot(const void* object) { return model(object).interaction == Interaction::kDot; }
bool has_rank(const void* object) {
  return has_cross(object) && (model(object).cross_type == CrossType::kLowRank ||
                               model(object).cross_type == CrossType::kMixture);
}
bool has_mixture(const void* object) {
  return has_cross(object) && model(object).cross_type == CrossType::kMixture;
}
bool has_experts(const void* object) { return model(object).head != Head::kSharedBottom; }
bool is_ple(const void* object) { return model(object).head == Head::kPle; }
bool is_focal(const void* object) { return task(object).loss == Loss::kFocal; }
bool is_huber(const void* object) { return task(object).loss == Loss::kHuber; }
bool takes_weights(const void* object) { return task(object).loss != Loss::kPairwise; }
bool is_bce(const void* object) { return task(object).loss == Loss::kBce; }

std::span<const ConfigKey> cross_keys() {
  static const ConfigKey keys[] = {
      key<&ModelConfig::cross_type>(
          {.name = "type",
           .text = "a weight for each input (DCN), for each pair of inputs (DCN-V2), the same as a "
                   "product of two thin matrices, or gated experts of those"}),
      key<&ModelConfig::cross_layers>({.name = "layers", .text = "0: none", .max = 64}),
      key<&ModelConfig::cross_rank>({.name = "low_rank",
                                     .text = "columns of the thin matrices",
                                     .min = 1,
                                     .max = 4096,
                                     .applies = has_rank,
                                     .applies_text = "only for low_rank and mixture"}),
      key<&ModelConfig::cross_experts>({.name = "experts",
                                        .text = "their number in a layer",
                                        .min = 1,
                                        .max = 64,
                                        .applies = has_mixture,
                                        .applies_text = "only for mixture"}),
  };
  return keys;
}

std::span<const ConfigKey> deep_keys() {
  static const ConfigKey keys[] = {
      key<&ModelConfig::deep_units>({.name = "units",
                                     .text = "widths of the deep tower's layers; []: no tower",
                                     .min = 1,
                                     .max = kUnitsMax}),
      key<&ModelConfig::activation>({.name = "activation", .text = "of every hidden layer"}),
      key<&ModelConfig::normalization>(
          {.name = "normalization",
           .text = "before the activation, of each row over its units or of each unit over the "
                   "global batch; in the deep tower and the tasks' towers"}),
      key<&ModelConfig::dropout>({.name = "dropout",
                                  .text = "share of units that a step of training leaves out; in "
                                          "the deep tower and the tasks' towers",
                                  .max = 1,
                                  .below_max = true}),
  };
  return keys;
}

std::span<const ConfigKey> dot_keys() {
  static const ConfigKey keys[] = {
      key<&ModelConfig::bottom_units>(
          {.name = "units",
           .text =
               "widths of the layers that make a vector of all numbers, but for the last, which "
               "is as wide as the ids' vectors",
           .min = 1,
           .max = kUnitsMax,
           .applies = has_dot,
           .applies_text = "only for interaction: dot"}),
  };
  return keys;
}

std::span<const ConfigKey> attention_keys() {
  static const ConfigKey keys[] = {
      key<&ModelConfig::attention_units>(
          {.name = "units",
           .text =
               "widths of the hidden layers that make a score of [id, target, id - target, id * "
               "target]",
           .min = 1,
           .max = kUnitsMax}),
      key<&ModelConfig::attention_softmax>(
          {.name = "softmax",
           .text = "scores of a row become shares that sum to 1; false: they weigh as they are, so "
                   "that many similar ids weigh more (DIN)"}),
  };
  return keys;
}

std::span<const ConfigKey> head_keys() {
  static const ConfigKey keys[] = {
      key<&ModelConfig::head>(
          {.name = "type",
           .text = "layers that all tasks share, a mixture of experts with a gate per task, or "
                   "experts of each task beside shared ones in several levels"}),
      key<&ModelConfig::experts>({.name = "experts",
                                  .text = "their number; of ple those that tasks share",
                                  .min = 1,
                                  .max = 64,
                                  .applies = has_experts,
                                  .applies_text = "only for mmoe and ple"}),
      key<&ModelConfig::task_experts>({.name = "task_experts",
                                       .text = "experts of each task",
                                       .min = 1,
                                       .max = 64,
                                       .applies = is_ple,
                                       .applies_text = "only for ple"}),
      key<&ModelConfig::levels>({.name = "levels",
                                 .text = "of extraction",
                                 .min = 1,
                                 .max = 16,
                                 .applies = is_ple,
                                 .applies_text = "only for ple"}),
      key<&ModelConfig::expert_units>(
          {.name = "units",
           .text = "widths of the layers of each expert, or of the shared bottom",
           .min = 1,
           .max = kUnitsMax}),
      key<&ModelConfig::tower_units>({.name = "tower_units",
                                      .text = "widths of the hidden layers of each task's tower",
                                      .min = 1,
                                      .max = kUnitsMax}),
  };
  return keys;
}

std::span<const ConfigKey> task_keys() {
  static const ConfigKey keys[] = {
      key<&TaskConfig::name>({.name = "name", .text = "in metrics and results", .required = true}),
      ConfigKey{
          {.name = "label",
           .text = "a column, or a comparison with a number (`rating >= 4`; also > <= < ==) that "
                   "makes 1 "
                   "or 0",
           .required = true},
          [](void* object) -> FieldRef { return LabelRef{static_cast<TaskConfig*>(object)}; },
          fresh<TaskConfig>},
      key<&TaskConfig::loss>(
          {.name = "loss",
           .text = "of a 0/1 label: binary cross-entropy, the same where hard rows count more, or "
                   "of pairs of rows in the wrong order; of a value: squared error, the same but "
                   "linear far off"}),
      key<&TaskConfig::focal_gamma>({.name = "gamma",
                                     .text = "how much less easy rows count",
                                     .max = 100,
                                     .applies = is_focal,
                                     .applies_text = "only for focal"}),
      key<&TaskConfig::focal_alpha>({.name = "alpha",
                                     .text = "weight of label 1; that of label 0 is one less it",
                                     .max = 1,
                                     .applies = is_focal,
                                     .applies_text = "only for focal"}),
      key<&TaskConfig::huber_delta>({.name = "delta",
                                     .text = "error at which the loss becomes linear",
                                     .above_min = true,
                                     .applies = is_huber,
                                     .applies_text = "only for huber"}),
      key<&TaskConfig::weight>({.name = "weight", .text = "of this loss in the sum"}),
      key<&TaskConfig::sample_weight>({.name = "sample_weight",
                                       .text =
                                           "column of the weight of each row in this loss, 0 or "
                                           "more; none: all weigh 1",
                                       .applies = takes_weights,
                                       .applies_text = "not for pairwise"}),
      key<&TaskConfig::product>(
          {.name = "product",
           .text = "names of tasks whose probabilities are multiplied to this one's, which has no "
                   "tower of its own (ESMM: [click, conversion])",
           .applies = is_bce,
           .applies_text = "only for bce"}),
  };
  return keys;
}

}  // namespace

std::span<const ConfigKey> model_keys() {
  static const ConfigKey keys[] = {
      key<&ModelConfig::structure>(
          {.name = "structure", .text = "the deep tower beside the interaction, or on top of it"}),
      key<&ModelConfig::wide>(
          {.name = "wide",
           .text = "the first floats of a row, one per task, are its weights in the tasks' linear "
                   "parts, and only what follows is its vector"}),
      key<&ModelConfig::interaction>(
          {.name = "interaction",
           .text = "of all inputs: cross layers, a factorization machine, or the inner products of "
                   "their vectors (DLRM)"}),
      group<cross_keys, ModelConfig>({.name = "cross",
                                      .text = "cross layers",
                                      .applies = has_cross,
                                      .applies_text = "only for interaction: cross"}),
      group<dot_keys, ModelConfig>({.name = "bottom",
                                    .text = "the layers over numbers",
                                    .applies = has_dot,
                                    .applies_text = "only for interaction: dot"}),
      group<deep_keys, ModelConfig>({.name = "deep", .text = "the deep tower"}),
      group<attention_keys, ModelConfig>(
          {.name = "attention", .text = "of features with pooling: attention"}),
      group<head_keys, ModelConfig>({.name = "head", .text = "what tasks share above them"}),
      key<&ModelConfig::task_weights>(
          {.name = "task_weights",
           .text = "of losses in the sum: as the tasks say, or learned besides from how uncertain "
                   "each task is"}),
      key<&ModelConfig::l2>(
          {.name = "l2",
           .text =
               "half of it times the sum of all squared weights of layers is added to the loss"}),
      blocks<task_keys, &ModelConfig::tasks>(
          {.name = "tasks", .text = "a list, one entry per task", .required = true}),
  };
  return keys;
}

}  // namespace cairn
