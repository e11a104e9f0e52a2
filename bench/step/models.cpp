#include "bench/step/models.h"

namespace cairn::step {
namespace {

void add_tasks(ModelConfig& config) {
  config.tasks.resize(2);
  config.tasks[0].name = "first";
  config.tasks[1].name = "second";
}

size_t columns(const math::ModelShape& shape) {
  size_t columns = shape.dense_columns;
  for (const math::ModelShape::BagFeature& bag : shape.bags) columns += shape.table_dims[bag.table];
  return columns;
}

}  // namespace

StepModel yardstick() {
  StepModel model;
  model.name = "yardstick";
  model.config.cross_layers = 3;
  model.config.deep_units = {1024, 512, 256};
  model.config.head = Head::kMmoe;
  model.config.experts = 4;
  model.config.expert_units = {256};
  model.config.tower_units = {64};
  add_tasks(model.config);
  model.shape.table_dims = {16};
  model.shape.bags.assign(26, {0, Pooling::kSum});
  model.shape.dense_columns = 13;
  model.table_rows = {1'000'000};
  model.row_optimizer.learning_rate = 0.01f;
  model.batch = 2048;
  return model;
}

StepModel census() {
  StepModel model;
  model.name = "census";
  model.config.cross_layers = 2;
  model.config.deep_units = {256, 128};
  model.config.head = Head::kMmoe;
  model.config.experts = 6;
  model.config.expert_units = {64};
  add_tasks(model.config);
  model.table_rows = {9,  52, 47, 17, 3,  24, 15, 5, 10, 2,  3,  6, 8, 6, 6, 51,
                      36, 8,  10, 9,  10, 3,  4,  5, 43, 43, 43, 5, 3, 3, 3, 2};
  for (uint32_t table = 0; table < model.table_rows.size(); ++table) {
    model.shape.table_dims.push_back(8);
    model.shape.bags.push_back({table, Pooling::kSum});
  }
  model.shape.dense_columns = 7;
  model.row_optimizer.name = "adam";
  model.row_optimizer.learning_rate = 1e-3f;
  model.batch = 512;
  return model;
}

std::vector<Product> products_of(const StepModel& model, size_t batch) {
  std::vector<Product> all;
  const auto layer = [&](size_t in, size_t out) {
    all.push_back({batch, out, in, false, true});
    all.push_back({out, in, batch, true, false});
    all.push_back({batch, in, out, false, false});
    return out;
  };
  const ModelConfig& config = model.config;
  const size_t x = columns(model.shape), tasks = config.tasks.size();
  for (size_t i = 0; i < config.cross_layers; ++i) layer(x, x);
  size_t width = x;
  for (const size_t units : config.deep_units) width = layer(width, units);
  width += x;
  layer(width, config.experts * config.expert_units[0]);
  layer(width, config.experts * tasks);
  for (size_t t = 0; t < tasks; ++t) {
    width = config.expert_units[0];
    for (const size_t units : config.tower_units) width = layer(width, units);
  }
  return all;
}

}  // namespace cairn::step
