// Clipping by the global norm: where the norm n of all gradients together exceeds c, the optimizer
// sees the gradients times c / n. Source: Pascanu, Mikolov, Bengio, ICML 2013, algorithm 1.
#pragma once

#include "worker/math/optimizers/dense_optimizer.h"

namespace cairn::math {

std::unique_ptr<DenseOptimizer> make_clipped(std::unique_ptr<DenseOptimizer> optimizer,
                                             float norm_max, const Ops& ops);

}  // namespace cairn::math
