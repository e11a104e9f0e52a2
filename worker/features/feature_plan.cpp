#include "worker/features/feature_plan.h"

#include <fmt/format.h>

#include <algorithm>

namespace cairn::features {
namespace {

uint32_t index_of(std::vector<std::string>& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return static_cast<uint32_t>(found - names.begin());
  names.push_back(name);
  return static_cast<uint32_t>(names.size() - 1);
}

Error wrong(const FeatureConfig& feature, std::string_view why) {
  return {ErrorCode::kInvalidArgument, fmt::format("feature '{}': {}", feature.name, why)};
}

Status check_feature(const FeatureConfig& feature) {
  if (!feature.is_id() && !feature.separator.empty())
    return wrong(feature, "a number cannot be multi-valued");
  for (size_t i = 0; i + 1 < feature.transforms.size(); ++i)
    if (feature.transforms[i] >= Transform::kHash)
      return wrong(feature, "a transform that makes an id comes last");
  const bool crossed = feature.is_id() && feature.transforms.back() == Transform::kCross;
  if (crossed ? feature.columns.size() < 2 : feature.columns.size() > 1)
    return wrong(feature, crossed ? "a cross needs two columns or more" : "wants one column");
  if (feature.columns.size() > kCrossColumnsMax)
    return wrong(feature, fmt::format("crosses more than {} columns", kCrossColumnsMax));
  if (crossed && !feature.separator.empty()) return wrong(feature, "a cross is not multi-valued");
  if (feature.is_id() && feature.transforms.size() > 1 &&
      feature.transforms.back() != Transform::kInteger &&
      feature.transforms.back() != Transform::kBucketize)
    return wrong(feature, "of ids, only integer and bucketize can follow other transforms");
  return Ok{};
}

Result<FeaturePlan> compile(const FeatureConfig& feature, const JobConfig& job, Plan& plan) {
  const Status valid = check_feature(feature);
  if (!valid.ok()) return valid.error();
  FeaturePlan compiled;
  for (const std::string& column : feature.columns)
    compiled.columns.push_back(index_of(plan.columns, column));
  if (feature.columns.empty()) compiled.columns.push_back(index_of(plan.columns, feature.name));
  compiled.number.name = feature.name;
  compiled.number.missing_value = feature.missing_value;
  for (const Transform step : feature.transforms) {
    if (step >= Transform::kHash) break;
    compiled.number.steps.push_back(step);
    if (step != Transform::kStandardize) continue;
    if (compiled.number.standardized) return wrong(feature, "is standardized twice");
    compiled.number.standardized = static_cast<uint32_t>(plan.standardized.size());
    plan.standardized.push_back(feature.name);
  }
  if (!feature.is_id()) return compiled;
  compiled.id = feature.transforms.back();
  compiled.boundaries = feature.boundaries;
  compiled.num_buckets = feature.num_buckets;
  compiled.separator = feature.separator;
  const std::string& table = feature.table.empty() ? feature.name : feature.table;
  const auto found = std::find_if(job.tables.begin(), job.tables.end(),
                                  [&](const TableConfig& t) { return t.name == table; });
  if (found == job.tables.end()) return wrong(feature, fmt::format("no table '{}'", table));
  compiled.table = static_cast<uint32_t>(found - job.tables.begin());
  return compiled;
}

}  // namespace

InputKind kind_of(const FeatureConfig& feature) {
  return feature.is_id() ? InputKind::kIds : InputKind::kNumber;
}

Result<Plan> Plan::make(const JobConfig& job, bool labels) {
  Plan plan;
  plan.tables = static_cast<uint32_t>(job.tables.size());
  plan.missing = job.data.missing;
  for (const FeatureConfig& feature : job.features) {
    Result<FeaturePlan> compiled = compile(feature, job, plan);
    if (!compiled.ok()) return compiled.error();
    (kind_of(feature) == InputKind::kIds ? plan.ids : plan.numbers)
        .push_back(std::move(compiled).value());
  }
  if (labels)
    for (const TaskConfig& task : job.model.tasks) {
      TaskPlan& compiled = plan.tasks.emplace_back();
      compiled.column = index_of(plan.columns, task.column);
      compiled.config = task;
      if (task.sample_weight.empty()) continue;
      compiled.sample_weight = index_of(plan.columns, task.sample_weight);
      plan.weighted = true;
    }
  return plan;
}

}  // namespace cairn::features
