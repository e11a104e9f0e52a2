#include "worker/math/autograd/losses.h"

#include "common/config/words.h"

namespace cairn::math::autograd {
namespace {

// All workers' logits and labels meet in one row of the global batch: where another's stand, this
// worker adds zero.
void pairwise(Tape& tape, Variable* logits, const LossTarget& target, Matrix predictions,
              const Gradient& dlogits, double* sum) {
  const StepContext& context = tape.context();
  const auto rows = static_cast<size_t>(context.samples);
  check(context.first_sample + logits->rows() <= rows, "pairwise: rows beyond the global batch");
  const Matrix all = tape.arena().matrix(2, rows);
  tape.ops().zero(all);
  const auto own = [&](size_t row) {
    return Gradient{Matrix(all.row(row) + context.first_sample, logits->rows(), 1)};
  };
  tape.ops().copy(logits->matrix(), own(0));
  tape.ops().copy(target.labels, own(1));
  context.sum({all.data, 2 * rows});
  // The mean over pairs needs no division by rows: the caller's, and that of `scale`, are undone.
  const auto scale = static_cast<float>(target.scale * context.samples);
  tape.ops().pairwise({.logits = Matrix(all.row(0), 1, rows),
                       .labels = Matrix(all.row(1), 1, rows),
                       .first = context.first_sample,
                       .scale = scale,
                       .factor = target.factor,
                       .rows = context.samples},
                      tape.arena(), predictions, dlogits, sum);
}

}  // namespace

void loss(Tape& tape, const TaskConfig& task, Variable* logits, const LossTarget& target,
          Matrix predictions, double* sum) {
  check(logits->needs_gradient, "a loss of logits that rest on no parameter");
  const Attribute settings[] = {{"kind", to_word(task.loss)}};
  tape.describe({"loss", {logits}, {}, settings});
  const LossInputs in = {logits->matrix(), target};
  const Gradient dlogits = tape.gradient_of(logits);
  const Ops& ops = tape.ops();
  switch (task.loss) {
    case Loss::kBce:
      return ops.bce(in, predictions, dlogits, sum);
    case Loss::kMse:
      return ops.mse(in, predictions, dlogits, sum);
    case Loss::kFocal:
      return ops.focal(in, task.focal_gamma, task.focal_alpha, predictions, dlogits, sum);
    case Loss::kHuber:
      return ops.huber(in, task.huber_delta, predictions, dlogits, sum);
    case Loss::kPairwise:
      break;
  }
  pairwise(tape, logits, target, predictions, dlogits, sum);
}

void loss_of_product(Tape& tape, std::span<Variable* const> logits, const LossTarget& target,
                     Matrix predictions, double* sum) {
  tape.describe({"loss_of_product", logits});
  const std::span<ConstMatrix> values = tape.arena().array<ConstMatrix>(logits.size());
  const std::span<Gradient> gradients = tape.arena().array<Gradient>(logits.size());
  for (size_t i = 0; i < logits.size(); ++i) {
    values[i] = logits[i]->matrix();
    gradients[i] = tape.gradient_of(logits[i]);
  }
  tape.ops().bce_of_product(values, target, predictions, gradients, sum);
}

void prediction(Tape& tape, const TaskConfig& task, Variable* logits, Matrix predictions) {
  const bool binary = is_binary(task.loss);
  const Attribute settings[] = {{"kind", binary ? "probability" : "value"}};
  tape.describe({"prediction", {logits}, {tape.constant(predictions)}, settings});
  if (binary)
    tape.ops().sigmoid(logits->matrix(), predictions);
  else
    tape.ops().copy(logits->matrix(), {predictions});
}

void prediction_of_product(Tape& tape, std::span<Variable* const> logits, Matrix predictions) {
  tape.describe({"prediction_of_product", logits, {tape.constant(predictions)}});
  const std::span<ConstMatrix> values = tape.arena().array<ConstMatrix>(logits.size());
  for (size_t i = 0; i < values.size(); ++i) values[i] = logits[i]->matrix();
  tape.ops().product_of_sigmoids(values, predictions);
}

}  // namespace cairn::math::autograd
