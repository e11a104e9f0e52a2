#include "worker/math/autograd/interactions.h"

#include "common/config/words.h"

namespace cairn::math::autograd {

Variable* combine(Tape& tape, Variable* x0, Variable* mixed, Variable* x) {
  Variable* y = tape.result(x->rows(), x->cols(), {x0, mixed, x});
  const CombineInputs in = {x0->matrix(), mixed->matrix(), x->matrix()};
  tape.ops().combine_forward(in, y->matrix());
  tape.record({"combine", {x0, mixed, x}, {y}}, [=](Tape& t) {
    const Matrix dy = t.complete_gradient(y);
    t.ops().combine_backward(in, dy, {t.gradient_of(x0), t.gradient_of(mixed), t.gradient_of(x)});
  });
  return y;
}

Variable* vector_cross(Tape& tape, Variable* x0, Variable* x, Variable* weight, Variable* bias) {
  Variable* y = tape.result(x->rows(), x->cols(), {x0, x, weight, bias});
  const VectorCrossInputs in = {x0->matrix(), x->matrix(), weight->matrix(), bias->matrix()};
  tape.ops().vector_cross_forward(in, y->matrix());
  tape.record({"vector_cross", {x0, x, weight, bias}, {y}}, [=](Tape& t) {
    const Matrix dy = t.complete_gradient(y);
    t.ops().vector_cross_backward(
        in, dy, {t.gradient_of(x0), t.gradient_of(x), t.gradient_of(weight), t.gradient_of(bias)});
  });
  return y;
}

Variable* gate_scale(Tape& tape, Variable* logits, Variable* experts) {
  Variable* y = tape.result(experts->rows(), experts->cols(), {logits, experts});
  const Variable* probabilities = tape.result(logits->rows(), logits->cols(), {});
  const GateInputs in = {logits->matrix(), experts->matrix()};
  tape.ops().gate_scale_forward(in, probabilities->matrix(), y->matrix());
  tape.record({"gate_scale", {logits, experts}, {y}}, [=](Tape& t) {
    const Matrix dy = t.complete_gradient(y);
    t.ops().gate_scale_backward(in, probabilities->matrix(), dy,
                                {t.gradient_of(logits), t.gradient_of(experts)});
  });
  return y;
}

Variable* pairs(Tape& tape, Variable* x, size_t dim) {
  Variable* y = tape.result(x->rows(), dim, {x});
  const Variable* sums = tape.result(x->rows(), dim, {});
  tape.ops().pairs_forward(x->matrix(), sums->matrix(), y->matrix());
  const Attribute settings[] = {{"dim", dim}};
  tape.record({"pairs", {x}, {y}, settings}, [=](Tape& t) {
    const Matrix dy = t.complete_gradient(y);
    t.ops().pairs_backward(x->matrix(), sums->matrix(), dy, t.gradient_of(x));
  });
  return y;
}

Variable* dots(Tape& tape, Variable* x, size_t dim) {
  const size_t fields = x->cols() / dim;
  Variable* y = tape.result(x->rows(), fields * (fields - 1) / 2, {x});
  tape.ops().dots_forward(x->matrix(), dim, y->matrix());
  const Attribute settings[] = {{"dim", dim}};
  tape.record({"dots", {x}, {y}, settings}, [=](Tape& t) {
    const Matrix dy = t.complete_gradient(y);
    t.ops().dots_backward(x->matrix(), dim, dy, t.gradient_of(x));
  });
  return y;
}

Variable* number_fields(Tape& tape, const Variable* numbers, Variable* vectors) {
  check(!numbers->needs_gradient, "number fields: the numbers want a gradient");
  Variable* y = tape.result(numbers->rows(), vectors->rows() * vectors->cols(), {vectors});
  tape.ops().number_fields_forward(numbers->matrix(), vectors->matrix(), y->matrix());
  tape.record({"number_fields", {numbers, vectors}, {y}}, [=](Tape& t) {
    const Matrix dy = t.complete_gradient(y);
    t.ops().number_fields_backward(numbers->matrix(), dy, t.gradient_of(vectors));
  });
  return y;
}

Variable* every_row(Tape& tape, size_t batch, Variable* row) {
  const Matrix ones = tape.arena().matrix(batch, 1);
  tape.ops().fill(ones, 1.0f);
  Variable* y = tape.result(batch, row->cols(), {row});
  tape.ops().number_fields_forward(ones, row->matrix(), y->matrix());
  tape.record({"every_row", {row}, {y}}, [=](Tape& t) {
    const Matrix dy = t.complete_gradient(y);
    t.ops().number_fields_backward(ones, dy, t.gradient_of(row));
  });
  return y;
}

Variable* sum_groups(Tape& tape, Variable* x, size_t cols) {
  Variable* y = tape.result(x->rows(), cols, {x});
  tape.ops().sum_groups_forward(x->matrix(), y->matrix());
  tape.record({"sum_groups", {x}, {y}}, [=](Tape& t) {
    const Matrix dy = t.complete_gradient(y);
    t.ops().sum_groups_backward(dy, t.gradient_of(x));
  });
  return y;
}

Variable* columns(Tape& tape, Variable* x, size_t first, size_t count) {
  if (first == 0 && count == x->cols()) return x;
  Variable* y = tape.constant(x->matrix().columns(first, count));
  y->needs_gradient = x->needs_gradient;
  const Attribute settings[] = {{"first", first}, {"count", count}};
  tape.record({"columns", {x}, {y}, settings}, [=](Tape& t) {
    const Matrix dy = t.complete_gradient(y);
    // The other columns may have no other part: they must not stay unwritten.
    const Matrix dx = t.complete_gradient(x);
    t.ops().copy(dy, {dx.columns(first, count), Write::kAdd});
  });
  return y;
}

Variable* add(Tape& tape, Variable* a, Variable* b) {
  Variable* y = tape.result(a->rows(), a->cols(), {a, b});
  tape.ops().copy(a->matrix(), {y->matrix()});
  tape.ops().copy(b->matrix(), {y->matrix(), Write::kAdd});
  tape.record({"add", {a, b}, {y}}, [=](Tape& t) {
    const Matrix dy = t.complete_gradient(y);
    for (Variable* part : {a, b})
      if (const Gradient gradient = t.gradient_of(part); gradient.wanted())
        t.ops().copy(dy, gradient);
  });
  return y;
}

Variable* activation(Tape& tape, Activation kind, Variable* x, Variable* slope) {
  if (kind == Activation::kNone) return x;
  Variable* y = tape.result(x->rows(), x->cols(), {x});
  const ActivationInputs in = {x->matrix(), slope ? slope->matrix() : Matrix(), kind};
  tape.ops().activation_forward(in, y->matrix());
  const Attribute settings[] = {{"kind", to_word(kind)}};
  tape.record({"activation", {x, slope}, {y}, settings}, [=](Tape& t) {
    const Matrix dy = t.complete_gradient(y);
    t.ops().activation_backward(in, y->matrix(), dy,
                                {t.gradient_of(x), slope ? t.gradient_of(slope) : Gradient{}});
  });
  return y;
}

}  // namespace cairn::math::autograd
