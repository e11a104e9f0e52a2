#include "worker/math/models/task_objective.h"

#include <algorithm>

#include "worker/math/autograd/losses.h"

namespace cairn::math {

std::vector<std::string> tasks_with_logits(const ModelConfig& config) {
  std::vector<std::string> names;
  for (const TaskConfig& task : config.tasks)
    if (task.product.empty()) names.push_back(task.name);
  return names;
}

TaskObjective::TaskObjective(nn::Parameters& parameters, const ModelConfig& config) {
  const std::vector<std::string> with_logits = tasks_with_logits(config);
  const auto logit_of = [&](const std::string& name) {
    return static_cast<size_t>(std::ranges::find(with_logits, name) - with_logits.begin());
  };
  size_t own = 0;
  for (const TaskConfig& task : config.tasks) {
    std::vector<size_t>& logits = tasks_.emplace_back(Task{task, {}}).logits;
    if (task.product.empty()) logits.push_back(own++);
    for (const std::string& name : task.product) logits.push_back(logit_of(name));
  }
  if (config.task_weights == TaskWeights::kUncertainty)
    log_variances_ =
        parameters.add_constant("uncertainty", {static_cast<uint32_t>(tasks_.size())}, 0.0f);
}

// The pairwise loss compares samples of all workers.
bool TaskObjective::exchanges() const {
  return std::ranges::any_of(tasks_,
                             [](const Task& task) { return task.config.loss == Loss::kPairwise; });
}

double TaskObjective::scale_of(const Task& task) const {
  return task.config.weight *
         (log_variances_ != nullptr && !is_binary(task.config.loss) ? 0.5 : 1.0);
}

std::span<Variable* const> TaskObjective::own(Tape& tape, const Task& task,
                                              std::span<Variable* const> logits) const {
  const std::span<Variable*> own = tape.arena().array<Variable*>(task.logits.size());
  for (size_t i = 0; i < own.size(); ++i) own[i] = logits[task.logits[i]];
  return own;
}

void TaskObjective::compute_losses(Tape& tape, const Staging::Step& step,
                                   std::span<Variable* const> logits) const {
  const ModelInput& input = step.input;
  const ConstMatrix labels(input.labels.data(), input.samples, tasks_.size());
  const ConstMatrix weights(input.weights.data(), input.samples, tasks_.size());
  const Matrix predictions(step.results.data(), input.samples, tasks_.size());
  Matrix dvariances, precisions;
  if (log_variances_ != nullptr) {
    dvariances = tape.complete_gradient(log_variances_);
    precisions = tape.arena().matrix(1, tasks_.size());
    tape.describe({"uncertainty", {log_variances_}});
    tape.ops().uncertainty_forward(log_variances_->matrix(), precisions);
  }
  for (size_t t = 0; t < tasks_.size(); ++t) {
    const Task& task = tasks_[t];
    const double scale = scale_of(task) / input.loss_divisor;
    const LossTarget target = {.labels = labels.columns(t, 1),
                               .weights = weights.empty() ? ConstMatrix() : weights.columns(t, 1),
                               .scale = static_cast<float>(scale),
                               .factor = precisions.empty() ? nullptr : precisions.data + t};
    const Matrix predicted = predictions.columns(t, 1);
    const std::span<Variable* const> of_task = own(tape, task, logits);
    if (task.is_product())
      autograd::loss_of_product(tape, of_task, target, predicted, step.sums + t);
    else
      autograd::loss(tape, task.config, of_task[0], target, predicted, step.sums + t);
    // The term s / 2: each worker adds the part of its samples.
    if (log_variances_ != nullptr && task.config.weight > 0.0f)
      tape.ops().uncertainty_backward(
          {.precision = precisions.columns(t, 1),
           .sum = step.sums + t,
           .scale = scale,
           .share = 0.5 * static_cast<double>(input.samples) / input.loss_divisor},
          dvariances.columns(t, 1));
  }
}

void TaskObjective::predict(Tape& tape, std::span<Variable* const> logits,
                            Matrix predictions) const {
  for (size_t t = 0; t < tasks_.size(); ++t) {
    const Task& task = tasks_[t];
    const std::span<Variable* const> of_task = own(tape, task, logits);
    const Matrix predicted = predictions.columns(t, 1);
    if (task.is_product())
      autograd::prediction_of_product(tape, of_task, predicted);
    else
      autograd::prediction(tape, task.config, of_task[0], predicted);
  }
}

}  // namespace cairn::math
