// Adam: m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2;
//       w -= a (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon),
// where a is the learning rate of the step (common/config/learning_rate.h).
// Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm 1.
#pragma once

#include "worker/math/optimizers/dense_optimizer.h"

namespace cairn::math {

// The factors of step `step`, from 1.
AdamFactors adam_factors(const DenseOptimizerConfig& config, uint64_t step);

std::unique_ptr<DenseOptimizer> make_adam(const DenseOptimizerConfig& config,
                                          const ParameterLayout& layout, const Ops& ops);

}  // namespace cairn::math
