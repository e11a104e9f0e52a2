// Momentum: u = c u + g; w -= a u. Nesterov: the same, but w -= a (g + c u).
// Here c is the momentum and a the learning rate of the step (common/config/learning_rate.h).
// Source: Sutskever et al., ICML 2013, in the form of PyTorch, where a change of the learning rate
// acts at once.
#pragma once

#include "worker/math/optimizers/dense_optimizer.h"

namespace cairn::math {

std::unique_ptr<DenseOptimizer> make_momentum(const DenseOptimizerConfig& config,
                                              const ParameterLayout& layout, const Ops& ops);
std::unique_ptr<DenseOptimizer> make_nesterov(const DenseOptimizerConfig& config,
                                              const ParameterLayout& layout, const Ops& ops);

}  // namespace cairn::math
