#include <algorithm>
#include <string>

#include "worker/models/dcn.h"

namespace cairn {
namespace {

Error invalid(std::string why) { return {ErrorCode::kInvalidArgument, "model: " + std::move(why)}; }

bool has_zero(const std::vector<uint32_t>& units) {
  return std::ranges::find(units, 0u) != units.end();
}

Status judge(const ModelConfig& config, const ModelShape& shape) {
  if (shape.bags.empty() && shape.dense_columns == 0) return invalid("it has no input");
  if (config.tasks.empty()) return invalid("it has no task");
  if (has_zero(shape.table_dims)) return invalid("a table has dim 0");
  for (const ModelShape::BagFeature& bag : shape.bags)
    if (bag.table >= shape.table_dims.size())
      return invalid("a feature names table " + std::to_string(bag.table) + " of " +
                     std::to_string(shape.table_dims.size()));
  if (has_zero(config.deep_units) || has_zero(config.expert_units) || has_zero(config.tower_units))
    return invalid("a layer has 0 units");
  if (config.head == Head::kMmoe) {
    if (config.experts == 0 || config.experts > kExpertsMax)
      return invalid("mmoe has " + std::to_string(config.experts) + " experts, want 1 to " +
                     std::to_string(kExpertsMax));
    if (config.expert_units.empty()) return invalid("an expert of mmoe has no layer");
  }
  return Ok{};
}

}  // namespace

Result<std::unique_ptr<Model>> make_model(const ModelConfig& config, const ModelShape& shape,
                                          uint64_t seed, std::string_view device) {
  if (const Status judged = judge(config, shape); !judged.ok()) return judged.error();
  const Result<const Ops*> ops = ops_of_device(device);
  if (!ops.ok()) return ops.error();
  return std::unique_ptr<Model>(new DcnModel(config, shape, seed, *ops.value()));
}

}  // namespace cairn
