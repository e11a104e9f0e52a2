#include "worker/version/model_definition.h"

#include <algorithm>
#include <string>
#include <utility>

namespace cairn::version {
namespace {

math::ModelShape shape_of(const JobConfig& job, const features::Plan& plan) {
  math::ModelShape shape;
  for (const TableConfig& table : job.tables) shape.table_dims.push_back(table.dim);
  shape.dense_columns = static_cast<uint32_t>(plan.numbers.size());
  std::vector<std::string> ids;
  for (const FeatureConfig& feature : job.features)
    if (feature.is_id()) ids.push_back(feature.name);
  for (const FeatureConfig& feature : job.features) {
    if (!feature.is_id()) continue;
    const auto target = std::find(ids.begin(), ids.end(), feature.target) - ids.begin();
    shape.bags.push_back({.table = plan.ids[shape.bags.size()].table,
                          .pooling = feature.pooling,
                          .target = static_cast<uint32_t>(target)});
  }
  return shape;
}

}  // namespace

Result<std::shared_ptr<const ModelDefinition>> ModelDefinition::make(const JobConfig& job) {
  auto definition = std::make_shared<ModelDefinition>();
  definition->config = job.model;
  definition->seed = job.train.seed;
  definition->precision = job.train.precision;
  Result<features::Plan> plan = features::Plan::make(job, /*labels=*/false);
  if (!plan.ok()) return plan.error();
  definition->features = std::move(plan).value();
  definition->shape = shape_of(job, definition->features);
  // The layout is the same on every device, so a model on the host tells it.
  const Result<std::unique_ptr<math::Model>> model =
      math::make_model(definition->config, definition->shape, definition->seed);
  if (!model.ok()) return model.error();
  definition->parameters = model.value()->parameters();
  definition->floats = model.value()->values().size();
  return std::shared_ptr<const ModelDefinition>(std::move(definition));
}

}  // namespace cairn::version
