// Differentiable products of inputs with each other, and the joints of a model. Shapes and
// equations stand with the operations (worker/math/ops/interaction.h, worker/math/ops/gates.h).
#pragma once

#include <span>

#include "worker/math/autograd/tape.h"

namespace cairn::math::autograd {

// x0 * mixed + x, elementwise. x0 and x may be the same.
Variable* combine(Tape& tape, Variable* x0, Variable* mixed, Variable* x);

// x0 (x . weight) + bias + x; weight and bias [1, dim]. x0 and x may be the same.
Variable* vector_cross(Tape& tape, Variable* x0, Variable* x, Variable* weight, Variable* bias);

// The experts, each times its probability: softmax(logits)_e * experts_e.
Variable* gate_scale(Tape& tape, Variable* logits, Variable* experts);

// The fields of x [batch, fields * dim] with each other: the sum of their products [batch, dim],
// and their inner products [batch, pairs].
Variable* pairs(Tape& tape, Variable* x, size_t dim);
Variable* dots(Tape& tape, Variable* x, size_t dim);

// Each column of `numbers`, which needs no gradient, times its row of `vectors`.
Variable* number_fields(Tape& tape, const Variable* numbers, Variable* vectors);

// The sum of the groups in x [batch, groups * cols]: [batch, cols].
Variable* sum_groups(Tape& tape, Variable* x, size_t cols);

// Columns [first, first + count) of x, without a copy.
Variable* columns(Tape& tape, Variable* x, size_t first, size_t count);

// `row` [1, cols] in each of `batch` rows.
Variable* every_row(Tape& tape, size_t batch, Variable* row);

// a + b, of one shape.
Variable* add(Tape& tape, Variable* a, Variable* b);

// f(x) elementwise; `slope` [1, units] for prelu only. kNone returns x itself.
Variable* activation(Tape& tape, Activation kind, Variable* x, Variable* slope = nullptr);

}  // namespace cairn::math::autograd
