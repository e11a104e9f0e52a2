// The ends of a computation. A loss leaves its sum over the batch and the predictions, and writes
// the gradients of its logits, times the target's scale, at once: from here the tape runs backward.
// Equations stand with the operations (worker/math/ops/loss.h).
#pragma once

#include <span>

#include "worker/math/autograd/tape.h"

namespace cairn::math::autograd {

// The loss that the task names, with its settings.
void loss(Tape& tape, const TaskConfig& task, Variable* logits, const LossTarget& target,
          Matrix predictions, double* sum);

// Binary cross-entropy of the product of the logits' probabilities.
void loss_of_product(Tape& tape, std::span<Variable* const> logits, const LossTarget& target,
                     Matrix predictions, double* sum);

// The predictions that a loss leaves, without the loss: the probability of a binary task, or the
// value. `predictions` are [samples, 1].
void prediction(Tape& tape, const TaskConfig& task, Variable* logits, Matrix predictions);
// The product of the logits' probabilities.
void prediction_of_product(Tape& tape, std::span<Variable* const> logits, Matrix predictions);

}  // namespace cairn::math::autograd
