// Updates rows in place. State lives in the row, behind the weights, so saving the row saves the
// optimizer. Moments decay only when a row is touched; gradients are those of the mean loss over
// the global batch, summed over a row's occurrences and over workers.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "common/config/job.h"
#include "common/result.h"

namespace cairn {

struct UpdateContext {
  uint64_t step = 0;  // of the job, from 1
  float learning_rate = 0;
};

// Thread safety: const after construction.
class RowOptimizer {
 public:
  virtual ~RowOptimizer() = default;
  virtual size_t state_floats(size_t dim) const = 0;
  virtual void init_state(std::span<float> state) const = 0;
  // rows[i]: weights [dim], then state [state_floats(dim)]. counts[i]: steps that touched row i,
  // this one included. gradients [rows, dim].
  virtual void update(std::span<float* const> rows, std::span<const uint32_t> counts, size_t dim,
                      const float* gradients, const UpdateContext& context) const = 0;
};

// Errors: kInvalidArgument for a name that is not known.
Result<std::unique_ptr<RowOptimizer>> make_row_optimizer(const RowOptimizerConfig& config);

}  // namespace cairn
