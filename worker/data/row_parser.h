// Turns the fields of a row into numbers, keys and labels: all of a good row is appended to a
// `RowSet`, nothing of a bad one.
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
struct RowSet {
  struct Bag {
    std::vector<uint32_t> offsets;  // [rows + 1]
    std::vector<Key> keys;          // [occurrences]
  };
  uint32_t rows = 0;
  std::vector<float> dense;    // [rows, numbers]
  std::vector<float> labels;   // [rows, tasks]
  std::vector<float> weights;  // [rows, tasks]; empty where no task has weights of rows
  std::vector<Bag> bags;       // one an id feature

  void clear(size_t bag_count);
};

// Thread safety: none; one a reading thread. `plan` outlives it.
class RowParser {
 public:
  // `moments`: of the plan's standardized features, in their order; empty: values pass as they are.
  RowParser(const Plan& plan, std::span<const Moments> moments);

  // `fields` of the row; `places[i]` is the field of the plan's column i. False for a bad row;
  // reason() then says why.
  bool parse(std::span<const std::string_view> fields, std::span<const uint32_t> places,
             RowSet& rows);
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
  bool append_bag(const FeaturePlan& feature, RowSet::Bag& bag);
  bool append_all(RowSet& rows);
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
