#include "bench/gpu/step_floor.h"

namespace cairn::gpu {
namespace {

// Doubles, for they are multiplied.
struct Widths {
  double bags, vectors, columns, deep = 0, experts, units, tasks, tower;

  explicit Widths(const step::StepModel& model)
      : bags(static_cast<double>(model.shape.bags.size())),
        vectors(0),
        columns(model.shape.dense_columns),
        experts(model.config.experts),
        units(model.config.expert_units.back()),
        tasks(static_cast<double>(model.config.tasks.size())),
        tower(model.config.tower_units.empty() ? units : model.config.tower_units.back()) {
    for (const math::ModelShape::BagFeature& bag : model.shape.bags)
      vectors += model.shape.table_dims[bag.table];
    columns += vectors;
    if (!model.config.deep_units.empty()) deep = model.config.deep_units.back();
  }
};

// Counts the layers' outputs that are relu's.
double relu_units(const ModelConfig& config, const Widths& w) {
  double units = w.experts * w.units;
  for (const uint32_t u : config.deep_units) units += u;
  for (const uint32_t u : config.tower_units) units += w.tasks * u;
  return units;
}

// Columns of factors that no pass leaves; the last hidden layer of a tower is a factor of a product
// of one column, which stays in float32.
double rounded_columns(const ModelConfig& config, const Widths& w) {
  double columns = w.columns + w.deep;  // the head's input
  for (size_t i = 0; i + 1 < config.deep_units.size(); ++i) columns += config.deep_units[i];
  if (config.tower_units.empty()) return columns;
  columns += w.tasks * w.units;
  for (size_t i = 0; i + 1 < config.tower_units.size(); ++i)
    columns += w.tasks * config.tower_units[i];
  return columns;
}

}  // namespace

std::vector<Pass> passes_of(const step::StepModel& model, const StepSizes& sizes,
                            Precision precision) {
  const bool bf16 = precision == Precision::kBf16;
  const double factor = bf16 ? 2 : 0, gradient = bf16 ? 2 : 4;
  const Widths w(model);
  const auto rows = static_cast<double>(sizes.batch);
  const auto cross = static_cast<double>(model.config.cross_layers);
  const double table = 4 * static_cast<double>(sizes.unique_rows) * w.vectors / w.bags;
  const double ids = 4 * rows * w.bags, gates = w.tasks * w.experts;
  const double experts = w.experts * w.units, mixed = w.tasks * w.units;

  std::vector<Pass> all;
  all.push_back({"pool forward",
                 ids + table + rows * ((4 + factor) * w.columns + 4 * (w.columns - w.vectors))});
  all.push_back({"pool backward", ids + table + rows * 4 * w.vectors});
  if (cross > 0) {
    all.push_back({"cross forward", rows * w.columns * ((16 + factor) * cross - 4 - factor)});
    all.push_back({"cross backward", rows * w.columns * ((20 + gradient) * cross - 4)});
  }
  all.push_back({"relu backward", rows * (8 + gradient) * relu_units(model.config, w)});
  all.push_back({"rounding", rows * factor * rounded_columns(model.config, w)});
  all.push_back(
      {"gates", rows * (4 * (3 * experts + 4 * gates + 2 * mixed) + gates * (4 + factor))});
  all.push_back({"logits", rows * w.tasks * (12 * w.tower + 16)});
  all.push_back({"dense optimizer", static_cast<double>(sizes.parameters) * (28 + factor)});
  return all;
}

Floor floor_of(const step::StepModel& model, const StepSizes& sizes, Precision precision,
               ProductRates& rates, double copy_rate) {
  Floor floor;
  for (const step::Product& product : step::products_of(model, sizes.batch))
    floor.products += rates.seconds(product, precision);
  for (const Pass& pass : passes_of(model, sizes, precision))
    floor.passes += pass.bytes / copy_rate;
  return floor;
}

}  // namespace cairn::gpu
