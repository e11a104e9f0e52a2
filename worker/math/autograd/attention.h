// Differentiable parts of pooling by attention. Shapes and equations stand with the operations
// (worker/math/ops/attention.h).
#pragma once

#include "worker/math/autograd/tape.h"

namespace cairn::math::autograd {

// To [rows, 4 dim], where `rows` is at least the number of ids in the bag.
Variable* attention_inputs(Tape& tape, const BagView& bag, Variable* table, Variable* target,
                           size_t rows);

Variable* bag_softmax(Tape& tape, const BagView& bag, Variable* scores);

// To [batch, dim].
Variable* weighted_pool(Tape& tape, const BagView& bag, Variable* table, Variable* scores);

}  // namespace cairn::math::autograd
