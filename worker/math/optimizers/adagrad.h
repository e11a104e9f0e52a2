// Adagrad: s += g^2; w -= a g / (sqrt(s) + epsilon), s at first initial_accumulator and a the
// learning rate of the step (common/config/learning_rate.h).
// Source: Duchi, Hazan, Singer, JMLR 12 (2011).
#pragma once

#include "worker/math/optimizers/dense_optimizer.h"

namespace cairn {

// State: what s has gained since the first step.
std::unique_ptr<DenseOptimizer> make_adagrad(const DenseOptimizerConfig& config,
                                             const ParameterLayout& layout, const Ops& ops);

}  // namespace cairn
