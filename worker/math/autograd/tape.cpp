#include "worker/math/autograd/tape.h"

#include <algorithm>

#include "worker/math/tensor/tensor_ops.h"

namespace cairn::math {
namespace {

template <typename T>
std::span<const T> copied(Arena& arena, std::span<const T> all) {
  const std::span<T> copy = arena.array<T>(all.size());
  std::ranges::copy(all, copy.begin());
  return copy;
}

}  // namespace

// A step rounds a few dozen values, so a list is searched as fast as anything.
ConstRoundedMatrix Tape::rounded(const Variable* v) {
  if (precision_ != Precision::kBf16) return {};
  for (const Rounded* made = last_rounded_; made != nullptr; made = made->before)
    if (made->of == v) return made->value;
  const RoundedMatrix value = arena_.rounded_matrix(v->rows(), v->cols());
  ops_.round(v->matrix(), value);
  last_rounded_ = arena_.make<Rounded>(Rounded{v, value, last_rounded_});
  return value;
}

Variable* Tape::constant(Matrix value) {
  return arena_.make<Variable>(Variable{value, {}, false, false});
}

Variable* Tape::input(Matrix value, Matrix gradient) {
  return arena_.make<Variable>(Variable{value, gradient, true, false});
}

Variable* Tape::constant(const Tensor& value) {
  return arena_.make<Variable>(Variable{value, {}, false, false});
}

Variable* Tape::input(const Tensor& value) {
  check(value.dtype != DType::kI64, "whole numbers have no gradient");
  return arena_.make<Variable>(Variable{value, {}, true, false});
}

Variable* Tape::result(size_t rows, size_t cols, std::initializer_list<const Variable*> sources) {
  Variable* y = arena_.make<Variable>();
  y->value = arena_.result(rows, cols);
  for (const Variable* source : sources) y->needs_gradient |= source->needs_gradient;
  return y;
}

Variable* Tape::result(const Tensor& value, std::span<Variable* const> sources) {
  Variable* y = constant(value);
  if (value.dtype == DType::kI64) return y;
  for (const Variable* source : sources) y->needs_gradient |= source->needs_gradient;
  return y;
}

void Tape::keep(const Operation& operation) {
  KeptOperation kept;
  kept.name = operation.name;
  kept.inputs = Operands(copied(arena_, operation.inputs.span()));
  kept.outputs = Operands(copied(arena_, operation.outputs.span()));
  kept.attributes = copied(arena_, operation.attributes);
  kept.bags = copied(arena_, operation.bags);
  kept.before = last_operation_;
  last_operation_ = arena_.make<KeptOperation>(kept);
}

const StepNumbers* Tape::step_numbers() {
  if (context_.numbers == nullptr) {
    const StepNumbers numbers = {context_.step, context_.first_sample};
    void* made = arena_.numbers(sizeof numbers);
    arena_.memory().write(made, &numbers, sizeof numbers);
    context_.numbers = static_cast<const StepNumbers*>(made);
  }
  return context_.numbers;
}

Gradient Tape::gradient_of(Variable* v) {
  if (!v->needs_gradient) return {};
  if (v->gradient.empty()) v->gradient = arena_.result(v->rows(), v->cols());
  const Write write = v->written ? Write::kAdd : Write::kReplace;
  v->written = true;
  v->last_part = records_run_;
  return {v->gradient.matrix(), write};
}

Matrix Tape::complete_gradient(Variable* v) {
  check(v->needs_gradient, "a variable without gradient was asked for it");
  if (!v->written) ops_.zero(gradient_of(v).into);
  return v->gradient.matrix();
}

void Tape::add_gradient(Variable* v, const Tensor& part) {
  if (!v->needs_gradient) return;
  if (v->gradient.empty()) v->gradient = make_tensor(arena_, v->value.shape, v->value.dtype);
  copy(v->written ? binary(arena_, Binary::kAdd, v->gradient, part) : part, v->gradient);
  v->written = true;
  v->last_part = records_run_;
}

Tensor Tape::complete_tensor_gradient(Variable* v) {
  check(v->needs_gradient, "a variable without gradient was asked for it");
  if (!v->written) {
    const Tensor zeros = make_tensor(arena_, v->value.shape, v->value.dtype);
    fill(zeros, 0.0);
    add_gradient(v, zeros);
  }
  return v->gradient;
}

bool Tape::adopt_gradient(Variable* v, Matrix part) {
  if (!v->needs_gradient || !v->gradient.empty()) return false;
  v->gradient = part;
  v->written = true;
  v->last_part = records_run_;
  return true;
}

}  // namespace cairn::math
