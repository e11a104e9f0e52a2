#include <algorithm>
#include <string>

#include "worker/math/models/model.h"
#include "worker/math/models/recommender.h"
#include "worker/math/models/step_runner.h"
#include "worker/math/models/task_objective.h"

namespace cairn::math {
namespace {

Error invalid(std::string why) { return {ErrorCode::kInvalidArgument, "model: " + std::move(why)}; }

bool has_zero(const std::vector<uint32_t>& units) {
  return std::ranges::find(units, 0u) != units.end();
}

// How many floats of a row are weights: one per task that has a tower.
size_t wide_weights(const ModelConfig& config) {
  return config.wide ? tasks_with_logits(config).size() : 0;
}

// Interactions that multiply the vectors of fields with each other want one dim.
Status validate_fields(const ModelConfig& config, const ModelShape& shape) {
  const size_t weights = wide_weights(config);
  uint32_t dim = 0;
  for (const ModelShape::BagFeature& bag : shape.bags) {
    const uint32_t other = shape.table_dims[bag.table];
    if (other == weights) continue;  // no vector
    if (dim != 0 && other != dim)
      return invalid("fm and dot want vectors of one dim, tables have " + std::to_string(dim) +
                     " and " + std::to_string(other));
    dim = other;
  }
  if (dim == 0) return invalid("fm and dot want ids with vectors");
  return Ok{};
}

Status validate_interaction(const ModelConfig& config, const ModelShape& shape) {
  const size_t weights = wide_weights(config);
  if (config.wide)
    for (const uint32_t dim : shape.table_dims)
      if (dim < weights)
        return invalid("wide wants a float per task in each row: a table has dim " +
                       std::to_string(dim) + " for " + std::to_string(weights) + " tasks");
  if (config.interaction == Interaction::kFm || config.interaction == Interaction::kDot)
    return validate_fields(config, shape);
  if (config.interaction == Interaction::kCross && config.cross_layers > 0) {
    const bool thin =
        config.cross_type == CrossType::kLowRank || config.cross_type == CrossType::kMixture;
    if (thin && config.cross_rank == 0) return invalid("a cross layer of rank 0");
    if (config.cross_type == CrossType::kMixture &&
        (config.cross_experts == 0 || config.cross_experts > kExpertsMax))
      return invalid("a mixture of " + std::to_string(config.cross_experts) +
                     " experts, want 1 to " + std::to_string(kExpertsMax));
  }
  return Ok{};
}

// The vectors of ids and of their target are compared element by element.
Status validate_attention(const ModelConfig& config, const ModelShape& shape) {
  const size_t weights = wide_weights(config);
  for (const ModelShape::BagFeature& bag : shape.bags) {
    if (bag.pooling != Pooling::kAttention) continue;
    if (bag.target >= shape.bags.size() || shape.bags[bag.target].pooling == Pooling::kAttention)
      return invalid("the target of attention is no feature pooled otherwise");
    const uint32_t dim = shape.table_dims[bag.table];
    const uint32_t target = shape.table_dims[shape.bags[bag.target].table];
    if (dim != target)
      return invalid("attention over ids of dim " + std::to_string(dim) + " with a target of dim " +
                     std::to_string(target));
    if (dim <= weights) return invalid("attention wants ids with vectors");
  }
  if (has_zero(config.attention_units)) return invalid("a layer has 0 units");
  return Ok{};
}

Status validate_ple(const ModelConfig& config) {
  if (config.head != Head::kPle) return Ok{};
  if (config.levels == 0 || config.experts == 0 || config.task_experts == 0)
    return invalid("ple wants levels, experts and task_experts of at least 1");
  const size_t all = config.tasks.size() * config.task_experts + config.experts;
  if (all > kExpertsMax)
    return invalid("ple has " + std::to_string(all) + " experts in a level, want at most " +
                   std::to_string(kExpertsMax));
  if (config.expert_units.empty()) return invalid("an expert of ple has no layer");
  return Ok{};
}

Status check_products(const ModelConfig& config) {
  bool own = false;
  for (const TaskConfig& task : config.tasks) {
    own |= task.product.empty();
    for (const std::string& name : task.product) {
      const auto factor = std::ranges::find(config.tasks, name, &TaskConfig::name);
      if (factor == config.tasks.end() || !factor->product.empty() || !is_binary(factor->loss))
        return invalid("task '" + task.name + "' multiplies '" + name +
                       "', which is no binary task with a tower");
    }
    if (!task.product.empty() && task.loss != Loss::kBce)
      return invalid("task '" + task.name + "' is a product, whose loss is bce");
  }
  return own ? Status(Ok{}) : invalid("every task is a product of others");
}

Status validate(const ModelConfig& config, const ModelShape& shape) {
  if (shape.bags.empty() && shape.dense_columns == 0) return invalid("it has no input");
  if (config.tasks.empty()) return invalid("it has no task");
  if (has_zero(shape.table_dims)) return invalid("a table has dim 0");
  for (const ModelShape::BagFeature& bag : shape.bags)
    if (bag.table >= shape.table_dims.size())
      return invalid("a feature names table " + std::to_string(bag.table) + " of " +
                     std::to_string(shape.table_dims.size()));
  if (has_zero(config.deep_units) || has_zero(config.expert_units) ||
      has_zero(config.tower_units) || has_zero(config.bottom_units))
    return invalid("a layer has 0 units");
  if (config.head == Head::kMmoe) {
    if (config.experts == 0 || config.experts > kExpertsMax)
      return invalid("mmoe has " + std::to_string(config.experts) + " experts, want 1 to " +
                     std::to_string(kExpertsMax));
    if (config.expert_units.empty()) return invalid("an expert of mmoe has no layer");
  }
  if (!(config.dropout >= 0.0f && config.dropout < 1.0f))
    return invalid("a dropout of " + std::to_string(config.dropout) + ", want 0 to below 1");
  if (const Status ple = validate_ple(config); !ple.ok()) return ple.error();
  if (const Status attention = validate_attention(config, shape); !attention.ok())
    return attention.error();
  if (const Status products = check_products(config); !products.ok()) return products.error();
  return validate_interaction(config, shape);
}

}  // namespace

Result<std::unique_ptr<Model>> make_model(const ModelConfig& config, const ModelShape& shape,
                                          uint64_t seed, std::string_view device,
                                          Precision precision) {
  const Result<const Ops*> ops = ops_of_device(device, precision);
  if (!ops.ok()) return ops.error();
  return make_model(config, shape, seed, *ops.value(), precision);
}

Result<std::unique_ptr<Model>> make_model(const ModelConfig& config, const ModelShape& shape,
                                          uint64_t seed, const Ops& ops, Precision precision) {
  if (const Status validated = validate(config, shape); !validated.ok()) return validated.error();
  if (precision == Precision::kBf16 && !ops.multiplies_bf16()) precision = Precision::kF32;
  ModelParts parts;
  parts.parameters = std::make_unique<nn::Parameters>(ops);
  parts.network = std::make_unique<Recommender>(*parts.parameters, config, shape);
  parts.objective = std::make_unique<TaskObjective>(*parts.parameters, config);
  return std::unique_ptr<Model>(
      new StepRunner(ops, shape, std::move(parts), {seed, precision, config.l2}));
}

}  // namespace cairn::math
