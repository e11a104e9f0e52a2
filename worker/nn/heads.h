// From what all tasks share to one logit a task: a head gives each task its input, and that task's
// tower ends in one unit.
//
// Shared-bottom: one MLP ("head.bottom.<layer>") for all tasks. Source: Caruana, Machine Learning
// 28 (1997). MMoE: experts ("head.experts.<layer>", MLPs side by side) mixed for each task by a
// softmax gate
// ("head.gates.0": weight [tasks, experts, in], bias [tasks, experts]). Source: Ma et al., KDD
// 2018, eq. 6-7. Tower: "tower.<task>.<layer>", of which the last is the logit and has no
// activation.
#pragma once

#include <span>
#include <vector>

#include "common/config/job.h"
#include "worker/autograd/tape.h"
#include "worker/nn/mlp.h"
#include "worker/nn/parameters.h"

namespace cairn::nn {

class Heads {
 public:
  Heads(Parameters& parameters, const ModelConfig& config, size_t in);

  // x [batch, in]; fills one logit [batch, 1] a task.
  void forward(Tape& tape, Variable* x, std::span<Variable*> logits) const;

 private:
  Mlp shared_;               // the bottom, or the experts
  Mlp gates_;                // mmoe: one linear layer for the gates of all tasks
  bool mixes_;               // mmoe
  std::vector<Mlp> towers_;  // one a task
};

}  // namespace cairn::nn
