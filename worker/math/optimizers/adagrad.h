// Adagrad: s += g^2; w -= a g / (sqrt(s) + epsilon), where s starts as initial_accumulator and a is
// the learning rate of the step (common/config/learning_rate.h).
// Source: Duchi, Hazan, Singer, JMLR 12 (2011).
#pragma once

#include "worker/math/optimizers/dense_optimizer.h"

namespace cairn::math {

// State: s without initial_accumulator, so that it starts at zero.
std::unique_ptr<DenseOptimizer> make_adagrad(const DenseOptimizerConfig& config,
                                             const ParameterLayout& layout, const Ops& ops);

}  // namespace cairn::math
