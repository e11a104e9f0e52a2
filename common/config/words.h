// The words that job files use for the values of enumerations, in the enumerations' order.
#pragma once

#include <span>
#include <string_view>

#include "common/config/data_config.h"
#include "common/config/feature_config.h"
#include "common/config/model_config.h"
#include "common/config/ps_config.h"
#include "common/config/schedule_config.h"
#include "common/config/table_config.h"
#include "common/config/train_config.h"

namespace cairn {

inline constexpr std::string_view kFormatWords[] = {"csv", "tsv", "criteo"};
inline constexpr std::string_view kTransformWords[] = {
    "log1p", "standardize", "hash", "integer", "bucketize", "cross", "hour_of_day", "day_of_week"};
inline constexpr std::string_view kPoolingWords[] = {"sum", "mean", "max", "attention"};
inline constexpr std::string_view kInitializerWords[] = {"zero", "uniform", "normal"};
inline constexpr std::string_view kValueTypeWords[] = {"f32", "bf16"};
inline constexpr std::string_view kScheduleWords[] = {"constant", "step", "cosine", "inverse_sqrt"};
inline constexpr std::string_view kActivationWords[] = {"none",  "relu",    "gelu", "silu",
                                                        "prelu", "sigmoid", "tanh"};
inline constexpr std::string_view kNormalizationWords[] = {"none", "layer", "batch"};
inline constexpr std::string_view kInteractionWords[] = {"none", "cross", "fm", "dot"};
inline constexpr std::string_view kCrossTypeWords[] = {"vector", "full", "low_rank", "mixture"};
inline constexpr std::string_view kTaskWeightsWords[] = {"fixed", "uncertainty"};
inline constexpr std::string_view kStructureWords[] = {"parallel", "stacked"};
inline constexpr std::string_view kHeadWords[] = {"shared_bottom", "mmoe", "ple"};
inline constexpr std::string_view kLossWords[] = {"bce", "mse", "focal", "huber", "pairwise"};
inline constexpr std::string_view kConsistencyWords[] = {"sync"};
inline constexpr std::string_view kPrecisionWords[] = {"f32", "tf32", "bf16"};
inline constexpr std::string_view kDurabilityWords[] = {"process", "machine", "checkpoint"};
inline constexpr std::string_view kRecoveryWords[] = {"strict", "report"};

constexpr std::span<const std::string_view> words_of(DataFormat) { return kFormatWords; }
constexpr std::span<const std::string_view> words_of(Transform) { return kTransformWords; }
constexpr std::span<const std::string_view> words_of(Pooling) { return kPoolingWords; }
constexpr std::span<const std::string_view> words_of(Initializer) { return kInitializerWords; }
constexpr std::span<const std::string_view> words_of(ValueType) { return kValueTypeWords; }
constexpr std::span<const std::string_view> words_of(Schedule) { return kScheduleWords; }
constexpr std::span<const std::string_view> words_of(Activation) { return kActivationWords; }
constexpr std::span<const std::string_view> words_of(Normalization) { return kNormalizationWords; }
constexpr std::span<const std::string_view> words_of(Interaction) { return kInteractionWords; }
constexpr std::span<const std::string_view> words_of(CrossType) { return kCrossTypeWords; }
constexpr std::span<const std::string_view> words_of(TaskWeights) { return kTaskWeightsWords; }
constexpr std::span<const std::string_view> words_of(Structure) { return kStructureWords; }
constexpr std::span<const std::string_view> words_of(Head) { return kHeadWords; }
constexpr std::span<const std::string_view> words_of(Loss) { return kLossWords; }
constexpr std::span<const std::string_view> words_of(Consistency) { return kConsistencyWords; }
constexpr std::span<const std::string_view> words_of(Precision) { return kPrecisionWords; }
constexpr std::span<const std::string_view> words_of(Durability) { return kDurabilityWords; }
constexpr std::span<const std::string_view> words_of(Recovery) { return kRecoveryWords; }

template <typename Enum>
constexpr std::string_view to_word(Enum value) {
  return words_of(value)[static_cast<size_t>(value)];
}

}  // namespace cairn
