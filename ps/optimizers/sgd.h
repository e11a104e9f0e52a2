// Stochastic gradient descent: w -= learning_rate * g. No state.
// Source: Robbins, Monro, "A stochastic approximation method", Annals of Math. Stat. 22 (1951).
#pragma once

#include <memory>
#include <span>

#include "ps/optimizers/row_optimizer.h"

namespace cairn {

// rows[i]: weights [dim]; gradients [rows, dim]. Rows do not overlap gradients.
void sgd_rows(std::span<float* const> rows, size_t dim, const float* gradients,
              float learning_rate);

std::unique_ptr<RowOptimizer> make_sgd(const RowOptimizerConfig& config);

}  // namespace cairn
