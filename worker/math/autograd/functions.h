// The differentiable functions, one per fused operation: each computes at once, and records its
// backward and its description on the tape. Shapes and equations stand with the operations
// (worker/math/ops/).
#pragma once

#include <span>

#include "worker/math/autograd/tape.h"

namespace cairn::math::autograd {

// f(x W^T + b), where f is none or relu, and a null `bias` is none. With `groups` > 1 these are as
// many independent layers side by side: x [batch, groups * in], weight [groups * out, in], bias
// [1, groups * out], result [batch, groups * out].
Variable* linear(Tape& tape, Variable* x, Variable* weight, Variable* bias, Activation activation,
                 size_t groups = 1);

// x0 * (x W^T + b) + x
Variable* cross(Tape& tape, Variable* x0, Variable* x, Variable* weight, Variable* bias);

// The parts side by side: [batch, columns] each.
Variable* concat(Tape& tape, std::span<Variable* const> parts);

// Fills one result per task: the sum of the experts, weighted by the softmax of that task's logits.
void gates(Tape& tape, Variable* logits, Variable* experts, std::span<Variable*> results);

// The pooled bags side by side, and behind them the columns of `numbers` [batch, any]; null: none.
// `tables` has one variable per bag: bags of the same table name the same variable. `numbers` need
// no gradient.
Variable* pooled_features(Tape& tape, size_t batch, std::span<const BagView> bags,
                          std::span<Variable* const> tables, Variable* numbers = nullptr);

}  // namespace cairn::math::autograd
