// Where a computation ends: losses leave their sum over the batch and write the gradients of their
// logits, times the target's scale, at once: from here the tape runs backward. Equations stand with
// the operations (worker/math/ops/loss.h).
#pragma once

#include <span>

#include "worker/math/autograd/tape.h"

namespace cairn::autograd {

// Of the task's own loss, with its parameters.
void loss(Tape& tape, const TaskConfig& task, Variable* logits, const LossTarget& target,
          Matrix predictions, double* sum);

// Binary cross-entropy of the product of the logits' probabilities.
void loss_of_product(Tape& tape, std::span<Variable* const> logits, const LossTarget& target,
                     Matrix predictions, double* sum);

// What the losses leave as predictions, without a loss: the probability of a binary task, or the
// value. Written to `predictions` [samples, 1].
void prediction(Tape& tape, const TaskConfig& task, Variable* logits, Matrix predictions);
// The product of the logits' probabilities.
void prediction_of_product(Tape& tape, std::span<Variable* const> logits, Matrix predictions);

}  // namespace cairn::autograd
