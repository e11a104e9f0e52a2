#include "worker/autograd/losses.h"

namespace cairn::autograd {

double loss(Tape& tape, const TaskConfig& task, Variable* logits, const LossTarget& target,
            Matrix predictions) {
  check(logits->needs_gradient, "a loss of logits that rest on no parameter");
  const LossInputs in = {logits->matrix(), target};
  const Gradient dlogits = tape.gradient_of(logits);
  return task.loss == Loss::kBce ? tape.ops().bce(in, predictions, dlogits)
                                 : tape.ops().mse(in, predictions, dlogits);
}

double loss_of_product(Tape& tape, std::span<Variable* const> logits, const LossTarget& target,
                       Matrix predictions) {
  const std::span<ConstMatrix> values = tape.arena().array<ConstMatrix>(logits.size());
  const std::span<Gradient> gradients = tape.arena().array<Gradient>(logits.size());
  for (size_t i = 0; i < logits.size(); ++i) {
    values[i] = logits[i]->matrix();
    gradients[i] = tape.gradient_of(logits[i]);
  }
  return tape.ops().bce_of_product(values, target, predictions, gradients);
}

}  // namespace cairn::autograd
