// From what all tasks share to one logit per task: a head (worker/math/nn/head.h) gives each task
// its input, and that task's tower ends in one unit.
//
// Parameters: those of the head, and per task "tower.<task>.<layer>". The last layer makes the
// logit and has no activation.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/config/model_config.h"
#include "worker/math/autograd/tape.h"
#include "worker/math/nn/head.h"
#include "worker/math/nn/mlp.h"
#include "worker/math/nn/parameters.h"

namespace cairn::math::nn {

class Heads {
 public:
  Heads(Parameters& parameters, const ModelConfig& config, const std::vector<std::string>& tasks,
        size_t in);

  // x [batch, in]; fills one logit [batch, 1] per task.
  void forward(Tape& tape, Variable* x, std::span<Variable*> logits) const;

 private:
  std::unique_ptr<HeadLayer> head_;
  std::vector<Mlp> towers_;  // one per task
};

}  // namespace cairn::math::nn
