// Stochastic gradient descent: w -= a g, a: the learning rate of the step
// (common/learning_rate.h).
#pragma once

#include "worker/optimizers/dense_optimizer.h"

namespace cairn {

void sgd_update(std::span<float> w, std::span<const float> g, float learning_rate);

std::unique_ptr<DenseOptimizer> make_sgd(const DenseOptimizerConfig& config,
                                         const ParameterLayout& layout);

}  // namespace cairn
