// Progressive layered extraction: at each level every task has experts of its own, and all share
// some; a task's gate mixes its own and the shared ones, the shared gate mixes all. What a gate
// leaves is the input of its group's experts at the next level; the last level has no shared gate.
// With one level it is customized gate control (CGC). Source: Tang et al., "Progressive Layered
// Extraction", RecSys 2020, eq. 1 to 6.
//
// Shapes: [batch, in] to [batch, units.back()] a task. A gate is the softmax of one linear layer of
// its group's input; its experts come in the order own (all tasks' in theirs), then shared.
// Parameters, with <group> a task's name or "shared": "head.<level>.<group>.experts.<layer>",
// "head.<level>.<group>.gate.0".
#pragma once

#include "worker/math/nn/head.h"
#include "worker/math/nn/mlp.h"

namespace cairn::nn {

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
    Group shared;  // whose gate has no layer at the last level
  };
  // From the groups' inputs, of which the last is the shared one, to those of the next level.
  void extract(Tape& tape, const Level& level, bool last, std::span<Variable*> groups) const;

  std::vector<Level> levels_;
};

}  // namespace cairn::nn
