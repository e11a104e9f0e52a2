// Progressive layered extraction. At each level every task has experts of its own, and all tasks
// share some. A task's gate mixes its own and the shared ones; the shared gate mixes all. The mix
// is the input of its group's experts at the next level; the last level has no shared gate. With
// one level it is customized gate control (CGC). Source: Tang et al., "Progressive Layered
// Extraction", RecSys 2020, eq. 1 to 6.
//
// Shapes: [batch, in] to [batch, units.back()] per task. A gate is the softmax of one linear layer
// over its group's input. It takes experts in this order: the task's own (for the shared gate those
// of all tasks, in their order), then the shared ones.
// Parameters, with <group> a task's name or "shared": "head.<level>.<group>.experts.<layer>",
// "head.<level>.<group>.gate.0".
#pragma once

#include "worker/math/nn/head.h"
#include "worker/math/nn/mlp.h"

namespace cairn::math::nn {

class Ple final : public HeadLayer {
 public:
  Ple(Parameters& parameters, const ModelConfig& config, const std::vector<std::string>& tasks,
      size_t in);

  void forward(Tape& tape, Variable* x, std::span<Variable*> inputs) const override;
  size_t out() const override { return levels_.back().shared.experts.out(); }

 private:
  struct Group {
    Mlp experts, gate;
  };
  struct Level {
    std::vector<Group> tasks;
    Group shared;  // its gate has no layer at the last level
  };
  // Replaces the inputs of the groups by those of the next level. The last group is the shared one.
  void extract(Tape& tape, const Level& level, bool last, std::span<Variable*> groups) const;

  std::vector<Level> levels_;
};

}  // namespace cairn::math::nn
