// The models whose training step is measured, and what their products are.
#pragma once

#include <string>
#include <vector>

#include "common/config/table_config.h"
#include "worker/math/models/model.h"

namespace cairn::step {

struct StepModel {
  std::string name;  // as pytorch.py knows it
  ModelConfig config;
  math::ModelShape shape;
  std::vector<uint64_t> table_rows;  // keys are drawn uniformly below these
  RowOptimizerConfig row_optimizer;
  size_t batch = 0;  // rows of one worker
};

// 26 ids of dim 16 in one table of a million rows and 13 numbers; 3 full cross layers beside a
// tower of 1024-512-256; MMoE of 4 experts of 256; 2 tasks with towers of 64; Adagrad on rows. 2048
// rows.
StepModel yardstick();

// configs/census.yaml with as many values of each feature as its data has: 32 ids of dim 8 and 7
// numbers; 2 cross layers, 256-128; 6 experts of 64; 2 tasks; Adam on rows. 512 rows.
StepModel census();

// One matrix product: c [m, n] = a b, k the summed dimension. Whether a and b are stored
// transposed.
struct Product {
  size_t m, n, k;
  bool a_transposed, b_transposed;
};

// Those of one step over `batch` rows: y = x W^T, dW = dy^T x and dx = dy W of every layer with
// more than one output; layers side by side over one input (experts, gates) are one.
std::vector<Product> products_of(const StepModel& model, size_t batch);

}  // namespace cairn::step
