#include "worker/math/autograd/functions.h"

#include "common/config/words.h"

namespace cairn::math::autograd {
namespace {

// Rows of one group of a parameter whose groups stand one below the other.
template <typename T>
MatrixOf<T> rows_of(MatrixOf<T> m, size_t first, size_t count) {
  return {m.row(first), count, m.cols, m.row_stride};
}
Gradient rows_of(const Gradient& g, size_t first, size_t count) {
  if (!g.wanted()) return {};
  return {{g.into.row(first), count, g.into.cols, g.into.row_stride}, g.write};
}

// The inputs of all groups together.
LinearInputs linear_inputs(Tape& tape, const Variable* x, const Variable* weight,
                           const Variable* bias, Activation activation, size_t groups) {
  LinearInputs all = {.x = x->matrix(),
                      .weight = weight->matrix(),
                      .bias = bias ? bias->matrix() : Matrix(),
                      .activation = activation};
  if (all.weight.rows == groups) return all;  // with one column bf16 is no faster
  all.x_rounded = tape.rounded(x);
  all.weight_rounded = tape.rounded(weight);
  return all;
}

LinearInputs group_inputs(const LinearInputs& all, size_t group, size_t out) {
  const size_t in = all.weight.cols;
  return {.x = all.x.columns(group * in, in),
          .weight = rows_of(all.weight, group * out, out),
          .bias = all.bias.empty() ? all.bias : all.bias.columns(group * out, out),
          .activation = all.activation,
          .x_rounded = all.rounded() ? all.x_rounded.columns(group * in, in) : all.x_rounded,
          .weight_rounded =
              all.rounded() ? rows_of(all.weight_rounded, group * out, out) : all.weight_rounded};
}

}  // namespace

Variable* linear(Tape& tape, Variable* x, Variable* weight, Variable* bias, Activation activation,
                 size_t groups) {
  check(weight->rows() % groups == 0 && x->cols() == groups * weight->cols(),
        "linear: shapes differ");
  const size_t out = weight->rows() / groups;
  Variable* y = tape.result(x->rows(), weight->rows(), {x, weight});
  const LinearInputs inputs = linear_inputs(tape, x, weight, bias, activation, groups);
  for (size_t g = 0; g < groups; ++g)
    tape.ops().linear_forward(group_inputs(inputs, g, out), y->matrix().columns(g * out, out));

  const Attribute settings[] = {{"activation", to_word(activation)}, {"groups", groups}};
  const std::span<const Attribute> set = std::span(settings).first(groups > 1 ? 2 : 1);
  tape.record({"linear", {x, weight, bias}, {y}, set}, [=](Tape& t) {
    const Matrix dy = t.complete_gradient(y);
    const Gradient dx = t.gradient_of(x), dw = t.gradient_of(weight);
    const Gradient db = bias ? t.gradient_of(bias) : Gradient{};
    const size_t in = weight->cols();
    for (size_t g = 0; g < groups; ++g)
      t.ops().linear_backward(group_inputs(inputs, g, out), y->matrix().columns(g * out, out),
                              dy.columns(g * out, out), t.arena(),
                              {.x = dx.columns(g * in, in),
                               .weight = rows_of(dw, g * out, out),
                               .bias = db.columns(g * out, out)});
  });
  return y;
}

Variable* cross(Tape& tape, Variable* x0, Variable* x, Variable* weight, Variable* bias) {
  Variable* y = tape.result(x->rows(), x->cols(), {x0, x, weight, bias});
  Variable* mixed = tape.result(x->rows(), x->cols(), {});
  const CrossInputs in = {x0->matrix(),   x->matrix(),     weight->matrix(),
                          bias->matrix(), tape.rounded(x), tape.rounded(weight)};
  tape.ops().cross_forward(in, mixed->matrix(), y->matrix());

  tape.record({"cross", {x0, x, weight, bias}, {y}}, [=](Tape& t) {
    const Matrix dy = t.complete_gradient(y);
    CrossGradients out = {.x0 = t.gradient_of(x0),
                          .x = {},
                          .weight = t.gradient_of(weight),
                          .bias = t.gradient_of(bias),
                          .x_is_x0 = x == x0};
    if (!out.x_is_x0) {
      // On the CPU products of contiguous matrices are faster by more than the copy.
      const bool good = dy.contiguous() || !t.arena().memory().is_host();
      out.x_holds_dy = good && t.adopt_gradient(x, dy);
      out.x = t.gradient_of(x);
    }
    t.ops().cross_backward(in, mixed->matrix(), dy, t.arena(), out);
  });
  return y;
}

Variable* concat(Tape& tape, std::span<Variable* const> parts) {
  check(!parts.empty(), "concat of nothing");
  if (parts.size() == 1) return parts[0];
  size_t cols = 0;
  for (const Variable* part : parts) cols += part->cols();
  Variable* y = tape.result(parts[0]->rows(), cols, {});
  const std::span<Variable*> kept = tape.arena().array<Variable*>(parts.size());
  size_t first = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    kept[i] = parts[i];
    y->needs_gradient |= parts[i]->needs_gradient;
    tape.ops().copy(parts[i]->matrix(), {y->matrix().columns(first, parts[i]->cols())});
    first += parts[i]->cols();
  }

  tape.record({"concat", parts, {y}}, [=](Tape& t) {
    const Matrix dy = t.complete_gradient(y);
    size_t at = 0;
    for (Variable* part : kept) {
      const Matrix dpart = dy.columns(at, part->cols());
      at += part->cols();
      if (!part->needs_gradient || t.adopt_gradient(part, dpart)) continue;
      t.ops().copy(dpart, t.gradient_of(part));
    }
  });
  return y;
}

void gates(Tape& tape, Variable* logits, Variable* experts, std::span<Variable*> results) {
  check(!results.empty() && logits->cols() % results.size() == 0, "gates: not one gate per task");
  const size_t count = logits->cols() / results.size();
  check(experts->cols() % count == 0, "gates: experts differ in units");
  const std::span<Matrix> outputs = tape.arena().array<Matrix>(results.size());
  const std::span<Variable*> kept = tape.arena().array<Variable*>(results.size());
  for (size_t t = 0; t < results.size(); ++t) {
    results[t] = kept[t] = tape.result(logits->rows(), experts->cols() / count, {logits, experts});
    outputs[t] = results[t]->matrix();
  }
  const Variable* probabilities = tape.result(logits->rows(), logits->cols(), {});
  const GateInputs in = {logits->matrix(), experts->matrix()};
  tape.ops().gates_forward(in, probabilities->matrix(), outputs);

  tape.record({"gates", {logits, experts}, kept}, [=](Tape& t) {
    const std::span<Matrix> doutputs = t.arena().array<Matrix>(kept.size());
    for (size_t i = 0; i < kept.size(); ++i) doutputs[i] = t.complete_gradient(kept[i]);
    t.ops().gates_backward(in, probabilities->matrix(), doutputs,
                           {t.gradient_of(logits), t.gradient_of(experts)});
  });
}

Variable* pooled_features(Tape& tape, size_t batch, std::span<const BagView> bags,
                          std::span<Variable* const> tables, Variable* numbers) {
  check(bags.size() == tables.size(), "pooled features: not one table a bag");
  size_t cols = numbers ? numbers->cols() : 0;
  for (const Variable* table : tables) cols += table->cols();
  Variable* y = tape.result(batch, cols, {});
  const std::span<PooledBag> pooled = tape.arena().array<PooledBag>(bags.size());
  const std::span<Variable*> operands = tape.arena().array<Variable*>(bags.size() + 1);
  operands[bags.size()] = numbers;
  size_t first = 0;
  for (size_t i = 0; i < bags.size(); ++i) {
    pooled[i] = {bags[i], tables[i]->matrix(), first};
    operands[i] = tables[i];
    y->needs_gradient |= tables[i]->needs_gradient;
    first += tables[i]->cols();
  }
  tape.ops().pool_forward(pooled, y->matrix());
  if (cols > first) tape.ops().copy(numbers->matrix(), {y->matrix().columns(first, cols - first)});

  tape.record({"pooled_features", operands, {y}, {}, bags}, [=](Tape& t) {
    const Matrix dy = t.complete_gradient(y);
    const std::span<Gradient> dtables = t.arena().array<Gradient>(pooled.size());
    for (size_t i = 0; i < pooled.size(); ++i) dtables[i] = t.gradient_of(operands[i]);
    t.ops().pool_backward(pooled, y->matrix(), dy, dtables);
  });
  return y;
}

}  // namespace cairn::math::autograd
