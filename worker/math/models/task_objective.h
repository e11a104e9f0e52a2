// The objective of several tasks: each has a loss over its logits, and a prediction from them.
//
// Outputs of the network: one logit [samples, 1] per task with a tower of its own, in the job's
// order. A task that is the product of others (ESMM) has no logit: it multiplies the probabilities
// of those others (worker/math/ops/loss.h).
//
// The objective is the sum over tasks of weight * loss. With task weights by uncertainty it is the
// sum of weight * exp(-s) loss + s / 2, with exp(-s) / 2 for a regression. Here s is the logarithm
// of the task's variance, a parameter: "uncertainty" [tasks], which starts at zero. A task of
// weight 0 takes no part. Source: Kendall, Gal, Cipolla, CVPR 2018, eq. 7 and 10.
#pragma once

#include <string>
#include <vector>

#include "worker/math/models/objective.h"
#include "worker/math/nn/parameters.h"

namespace cairn::math {

// The names of the tasks that have a logit, in the job's order.
std::vector<std::string> tasks_with_logits(const ModelConfig& config);

class TaskObjective final : public Objective {
 public:
  // `config` as make_model has validated it.
  TaskObjective(nn::Parameters& parameters, const ModelConfig& config);

  Sizes sizes() const override { return {tasks_.size(), tasks_.size(), tasks_.size()}; }
  bool exchanges() const override;
  void compute_losses(Tape& tape, const Staging::Step& step,
                      std::span<Variable* const> logits) const override;
  void predict(Tape& tape, std::span<Variable* const> logits, Matrix predictions) const override;

 private:
  struct Task {
    TaskConfig config;
    std::vector<size_t> logits;  // indices of its own one, or of those that it multiplies
    bool is_product() const { return !config.product.empty(); }
  };
  // The logits of one task, in the tape's arena.
  std::span<Variable* const> own(Tape& tape, const Task& task,
                                 std::span<Variable* const> logits) const;
  // The factor of the sum of the task's loss in the objective, without its variance.
  double scale_of(const Task& task) const;

  std::vector<Task> tasks_;
  Variable* log_variances_ = nullptr;  // null where task weights are fixed
};

}  // namespace cairn::math
