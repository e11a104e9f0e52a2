// Updates rows in place. State lives in the row, behind the weights, so saving the row saves the
// optimizer. Moments decay only when a row is touched. Gradients are those of the mean loss over
// the global batch, summed over a row's occurrences and over workers.
//
// All optimizers share three things, which are here. The first is the learning rate of the step
// (common/config/learning_rate.h). The second is clipping, which scales a row's gradient down to a
// norm of clip_norm. Then comes weight decay, which adds weight_decay w to the gradient of a
// touched row; adamw and lamb decay by their formula. Each optimizer has a formula of its own,
// ps/optimizers/NAME.cpp, and a line of common/config/row_optimizers.def.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "common/config/row_optimizers.h"
#include "common/config/table_config.h"
#include "common/result.h"
#include "ps/optimizers/bias_correction.h"
#include "ps/optimizers/row_formulas.h"

namespace cairn::ps {

// Thread safety: none, because of the scratch memory; a shard's thread owns it.
class RowOptimizer {
 public:
  using Formula = void (*)(const RowUpdate&, const RowOptimizerConfig&);
  RowOptimizer(const RowOptimizerFacts& facts, Formula formula, const RowOptimizerConfig& config);

  size_t state_floats(size_t dim) const { return facts_.state_floats(dim); }
  void init_state(std::span<float> state) const;
  // rows[i]: weights [dim], then state [state_floats(dim)]. counts[i]: steps that touched row i,
  // this one included. gradients [rows, dim], finite. `step` of the job, from 1.
  void update(std::span<float* const> rows, std::span<const uint32_t> counts, size_t dim,
              const float* gradients, uint64_t step);

 private:
  const RowOptimizerFacts& facts_;
  const Formula formula_;
  const RowOptimizerConfig config_;
  const float added_decay_;                  // of weights, in the gradient
  std::vector<BiasCorrection> corrections_;  // of the first and second moment, or none
  std::vector<float> adjusted_;              // gradients: clipped, with weight decay
  std::vector<float> scratch_;
};

// Errors: kInvalidArgument for a name that is not known.
Result<std::unique_ptr<RowOptimizer>> make_row_optimizer(const RowOptimizerConfig& config);

}  // namespace cairn::ps
