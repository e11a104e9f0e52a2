// The formulas of the row optimizers, one per file ps/optimizers/NAME.cpp. Each file names the
// formula's source and the layout of its state. row_optimizer.h calls the formulas with gradients
// that are finite and clipped. These gradients contain the weight decay, unless that is decoupled.
// In the files' comments a is the learning rate of the step and n the row's count. Thread safety:
// pure functions of what they get.
#pragma once

#include <cstddef>
#include <span>

#include "common/config/table_config.h"

namespace cairn::ps {

struct RowUpdate {
  std::span<float* const> rows;  // each: weights [dim], then state
  size_t dim;
  const float* gradients;  // [rows, dim]; overlap no row
  float learning_rate;
  // 1 / (1 - beta1^n) and 1 / (1 - beta2^n), one per row; only for those that take kMoments.
  const float* unbias1;
  const float* unbias2;
  float* scratch;  // [dim]
};

namespace row_formulas {

#define CAIRN_ROW_OPTIMIZER(name, floats_per_weight, floats_per_row, takes) \
  void name(const RowUpdate& update, const RowOptimizerConfig& config);
#include "common/config/row_optimizers.def"
#undef CAIRN_ROW_OPTIMIZER

}  // namespace row_formulas

}  // namespace cairn::ps
