#include "worker/math/autograd/towers.h"

#include <algorithm>

namespace cairn::math::autograd {
namespace {

std::span<float> floats(Matrix m) { return {m.data, m.rows * m.cols}; }

// Mean and biased variance of the columns over all workers.
void moments(Tape& tape, ConstMatrix x, Matrix mean, Matrix variance) {
  const StepContext& context = tape.context();
  const auto share = static_cast<float>(1.0 / context.samples);
  tape.ops().column_sums(x, mean);
  context.sum(floats(mean));
  tape.ops().scale(mean, share);
  tape.ops().column_squares(x, mean, variance);
  context.sum(floats(variance));
  tape.ops().scale(variance, share);
}

}  // namespace

Variable* layer_norm(Tape& tape, Variable* x, Variable* scale, Variable* shift) {
  Variable* y = tape.result(x->rows(), x->cols(), {x, scale, shift});
  const Variable* moments = tape.result(x->rows(), 2, {});
  const LayerNormInputs in = {x->matrix(), scale->matrix(), shift->matrix()};
  tape.ops().layer_norm_forward(in, moments->matrix(), y->matrix());
  tape.record({"layer_norm", {x, scale, shift}, {y}}, [=](Tape& t) {
    const Matrix dy = t.complete_gradient(y);
    t.ops().layer_norm_backward(in, moments->matrix(), dy,
                                {t.gradient_of(x), t.gradient_of(scale), t.gradient_of(shift)});
  });
  return y;
}

Variable* batch_norm(Tape& tape, Variable* x, const BatchNorm& norm) {
  const size_t units = x->cols();
  const Matrix inverse = tape.arena().matrix(1, units);
  Matrix mean = norm.mean->matrix();
  if (tape.training()) {
    mean = tape.arena().matrix(1, units);
    const Matrix variance = tape.arena().matrix(1, units);
    moments(tape, x->matrix(), mean, variance);
    tape.ops().invert_deviation(variance, inverse);
    const double rows = tape.context().samples;
    tape.ops().move_towards(mean, 1.0f, norm.mean->matrix());
    tape.ops().move_towards(variance, static_cast<float>(rows / std::max(rows - 1.0, 1.0)),
                            norm.variance->matrix());
  } else {
    tape.ops().invert_deviation(norm.variance->matrix(), inverse);
  }
  Variable* y = tape.result(x->rows(), units, {x, norm.scale, norm.shift});
  const NormalizeInputs in = {x->matrix(), mean, inverse, norm.scale->matrix(),
                              norm.shift->matrix()};
  tape.ops().normalize(in, y->matrix());

  Variable *scale = norm.scale, *shift = norm.shift;
  tape.record({"batch_norm", {x, scale, shift, norm.mean, norm.variance}, {y}}, [=](Tape& t) {
    const Matrix dy = t.complete_gradient(y);
    const Matrix sums = t.arena().matrix(2, units);
    t.ops().normalize_sums(in, dy, sums);
    // The parameters' gradients are this worker's part: theirs are summed with all others'.
    t.ops().copy(Matrix(sums.row(0), 1, units), t.gradient_of(shift));
    t.ops().copy(Matrix(sums.row(1), 1, units), t.gradient_of(scale));
    t.context().sum(floats(sums));
    t.ops().normalize_backward(in, dy, sums, static_cast<float>(t.context().samples),
                               t.gradient_of(x));
  });
  return y;
}

Variable* dropout(Tape& tape, Variable* x, float rate, uint32_t layer) {
  if (!tape.training() || rate == 0.0f) return x;
  Variable* y = tape.result(x->rows(), x->cols(), {x});
  const Variable* mask = tape.result(x->rows(), x->cols(), {});
  tape.ops().dropout_forward(x->matrix(), {tape.context().seed, layer, tape.step_numbers()}, rate,
                             mask->matrix(), y->matrix());
  const Attribute settings[] = {{"rate", rate}, {"layer", size_t{layer}}};
  tape.record({"dropout", {x}, {y}, settings}, [=](Tape& t) {
    const Matrix dy = t.complete_gradient(y);
    t.ops().dropout_backward(mask->matrix(), dy, t.gradient_of(x));
  });
  return y;
}

}  // namespace cairn::math::autograd
