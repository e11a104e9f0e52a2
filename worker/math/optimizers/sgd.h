// Stochastic gradient descent: w -= a g, where a is the learning rate of the step
// (common/config/learning_rate.h).
#pragma once

#include "worker/math/optimizers/dense_optimizer.h"

namespace cairn::math {

std::unique_ptr<DenseOptimizer> make_sgd(const DenseOptimizerConfig& config,
                                         const ParameterLayout& layout, const Ops& ops);

}  // namespace cairn::math
