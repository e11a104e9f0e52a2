// Turns the fields of a row into numbers, keys and labels: all of a good row is appended to a
// `SampleSet`, nothing of a bad one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/hash.h"
#include "worker/features/feature_plan.h"
#include "worker/features/statistics.h"

namespace cairn {

// Rows before dedup.
struct SampleSet {
  struct Bag {
    std::vector<uint32_t> offsets;  // [samples + 1]
    std::vector<Key> keys;          // [occurrences]
  };
  uint32_t samples = 0;
  std::vector<float> dense;    // [samples, numbers]
  std::vector<float> labels;   // [samples, tasks]
  std::vector<float> weights;  // [samples, tasks]; empty where no task has weights of samples
  std::vector<Bag> bags;       // one an id feature

  void clear(size_t bag_count);
};

// Thread safety: none; one a reading thread. `plan` outlives it.
class SampleParser {
 public:
  // `moments`: of the plan's standardized features, in their order; empty: values pass as they are.
  SampleParser(const Plan& plan, std::span<const Moments> moments);

  // `fields` of the row; `places[i]` is the field of the plan's column i. False for a bad sample;
  // reason() then says why.
  bool parse(std::span<const std::string_view> fields, std::span<const uint32_t> places,
             SampleSet& samples);
  const std::string& reason() const { return reason_; }

  // Of the last good row, before standardizing: one a standardized feature.
  struct StandardInput {
    bool present;
    double value;
  };
  std::span<const StandardInput> standard_inputs() const { return inputs_; }

 private:
  struct Scale {
    double mean = 0.0, inverse_deviation = 1.0;
  };

  bool missing(std::string_view text) const { return text.empty() || text == plan_.missing; }
  bool number(const FeaturePlan& feature, std::string_view text, double& value);
  bool key_of(const FeaturePlan& feature, std::string_view text, Key& key);
  Key cross_of(const FeaturePlan& feature) const;
  bool append_bag(const FeaturePlan& feature, SampleSet::Bag& bag);
  bool append_all(SampleSet& samples);
  bool label(const TaskPlan& task, float& value);
  bool sample_weight(const TaskPlan& task, float& value);
  bool fail(const FeaturePlan& feature, std::string_view text, std::string_view what);
  std::string_view field(uint32_t column) const { return fields_[places_[column]]; }

  const Plan& plan_;
  std::vector<Scale> scales_;
  std::vector<StandardInput> inputs_;
  std::span<const std::string_view> fields_;  // of the row being parsed
  std::span<const uint32_t> places_;
  std::string reason_;
};

}  // namespace cairn
