// Adagrad: s += g^2; w -= learning_rate * g / (sqrt(s) + epsilon). State: s [dim], from
// `initial_accumulator`.
// Source: Duchi, Hazan, Singer, "Adaptive subgradient methods", JMLR 12 (2011).
#pragma once

#include <memory>
#include <span>

#include "ps/optimizers/row_optimizer.h"

namespace cairn {

// rows[i]: weights [dim], s [dim]; gradients [rows, dim]. Rows do not overlap gradients.
void adagrad_rows(std::span<float* const> rows, size_t dim, const float* gradients,
                  float learning_rate, float epsilon);

std::unique_ptr<RowOptimizer> make_adagrad(const RowOptimizerConfig& config);

}  // namespace cairn
