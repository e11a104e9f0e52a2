// Adam by layers. m, v and their unbiased forms m', v' are those of Adam
// (worker/math/optimizers/adam.h), and a is the learning rate of the step
// (common/config/learning_rate.h). d is the weight decay of parameters that decay (weight
// matrices); for others it is 0.
//   adamw: w -= a (m' / (sqrt(v') + epsilon) + d w). Source: Loshchilov and Hutter, ICLR 2019,
//          algorithm 2, with the decay times a, as PyTorch has it.
//   lamb:  u = m' / (sqrt(v') + epsilon) + d w; w -= a (|w| / |u|) u. Norms are those of one
//          parameter; their ratio is 1 where either is 0. Source: You et al., ICLR 2020,
//          algorithm 2.
#pragma once

#include "worker/math/optimizers/dense_optimizer.h"

namespace cairn::math {

std::unique_ptr<DenseOptimizer> make_adamw(const DenseOptimizerConfig& config,
                                           const ParameterLayout& layout, const Ops& ops);
std::unique_ptr<DenseOptimizer> make_lamb(const DenseOptimizerConfig& config,
                                          const ParameterLayout& layout, const Ops& ops);

}  // namespace cairn::math
