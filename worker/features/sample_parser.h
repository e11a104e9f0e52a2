// Turns a record into numbers, keys and labels: all of a good sample is appended to a `SampleSet`,
// nothing of a bad one. Every input comes in by here, whatever it was read from.
//
// A list makes a bag of its elements, which gives what their texts joined by the feature's
// separator would give. Only multi-valued features (those with a separator) take lists.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/hash.h"
#include "worker/features/cell_values.h"
#include "worker/features/feature_plan.h"
#include "worker/features/record.h"
#include "worker/features/statistics.h"

namespace cairn::features {

// Samples before dedup.
struct SampleSet {
  struct Bag {
    std::vector<uint32_t> offsets;  // [samples + 1]
    std::vector<Key> keys;          // [occurrences]
  };
  uint32_t samples = 0;
  std::vector<float> dense;    // [samples, numbers]
  std::vector<float> labels;   // [samples, tasks]
  std::vector<float> weights;  // [samples, tasks]; empty where no task has weights of samples
  std::vector<Bag> bags;       // one per id feature

  void clear(size_t bag_count);
};

// Thread safety: none; one per reading thread. `plan` outlives it.
class SampleParser {
 public:
  // `moments`: of the plan's standardized features, in their order; empty: values pass as they are.
  SampleParser(const Plan& plan, std::span<const Moments> moments);

  // Column i of the record is the plan's column i. False for a bad sample; reason() then says why.
  bool parse(const Record& record, SampleSet& samples);
  const std::string& reason() const { return reason_; }

  // Inputs of the last good sample, before standardizing: one per standardized feature.
  struct StandardInput {
    bool present;
    double value;
  };
  std::span<const StandardInput> standard_inputs() const { return inputs_; }

 private:
  struct Scale {
    double mean = 0.0, inverse_deviation = 1.0;
  };

  bool number(const FeaturePlan& feature, const Cell& cell, double& value);
  bool key_of(const FeaturePlan& feature, const Cell& cell, Key& key);
  bool cross_of(const FeaturePlan& feature, Key& key);
  bool append_bag(const FeaturePlan& feature, SampleSet::Bag& bag);
  bool append_split(const FeaturePlan& feature, std::string_view text, SampleSet::Bag& bag);
  bool append_list(const FeaturePlan& feature, const Cell& list, SampleSet::Bag& bag);
  bool append_all(SampleSet& samples);
  bool label(const TaskPlan& task, float& value);
  bool sample_weight(const TaskPlan& task, float& value);
  bool fail(uint32_t column, const Cell& cell, std::string_view what);
  const Cell& cell(uint32_t column) const { return record_[column]; }

  const Plan& plan_;
  std::vector<Scale> scales_;
  std::vector<StandardInput> inputs_;
  const MissingValue missing_;
  Record record_;  // being parsed
  std::string reason_;
};

}  // namespace cairn::features
