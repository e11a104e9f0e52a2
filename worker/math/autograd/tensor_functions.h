// Differentiable operations on tensors of any rank: those of worker/math/tensor/ with a backward,
// in the operands' own type. They make a new layer quick to write down and to check. A training
// step at speed uses the fused functions (worker/math/autograd/functions.h); both may meet on one
// tape.
//
// Shapes, types and errors are those of worker/math/tensor/tensor_ops.h and of the views of Tensor.
// Whole numbers and comparisons have no gradient.
#pragma once

#include <span>

#include "worker/math/autograd/tape.h"
#include "worker/math/tensor/tensor_ops.h"

namespace cairn::math::autograd {

// Where both operands of a minimum or maximum are equal, each gets half of the gradient.
Variable* binary(Tape& tape, Binary operation, Variable* a, Variable* b);
Variable* unary(Tape& tape, Unary operation, Variable* x);  // |x| has slope zero in zero
Variable* matmul(Tape& tape, Variable* a, Variable* b);
// Elements that share an extreme share its gradient.
Variable* reduce(Tape& tape, Reduction operation, Variable* x, std::span<const size_t> axes);

// The same numbers; `reshape` copies a tensor with gaps.
Variable* reshape(Tape& tape, Variable* x, const Shape& to);
Variable* transpose(Tape& tape, Variable* x, std::span<const size_t> axes);
Variable* slice(Tape& tape, Variable* x, size_t axis, size_t first, size_t count);
Variable* broadcast_to(Tape& tape, Variable* x, const Shape& to);
Variable* cast(Tape& tape, Variable* x, DType to);

Variable* concatenate(Tape& tape, std::span<Variable* const> parts, size_t axis);
Variable* gather(Tape& tape, Variable* x, const Tensor& index);
// x with values added at index; x itself stays as it is.
Variable* scatter_add(Tape& tape, Variable* x, const Tensor& index, Variable* values);

}  // namespace cairn::math::autograd
