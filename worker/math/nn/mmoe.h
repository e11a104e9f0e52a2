// Multi-gate mixture of experts: experts that are MLPs side by side, mixed for each task by a
// softmax gate of its own. Source: Ma et al., KDD 2018, eq. 6 and 7.
// Shapes: [batch, in] to [batch, units.back()] per task. Parameters: "head.experts.<layer>";
// "head.gates.0": weight [tasks, experts, in], bias [tasks, experts].
#pragma once

#include "worker/math/nn/head.h"
#include "worker/math/nn/mlp.h"

namespace cairn::math::nn {

class Mmoe final : public HeadLayer {
 public:
  Mmoe(Parameters& parameters, const ModelConfig& config, size_t tasks, size_t in);

  void forward(Tape& tape, Variable* x, std::span<Variable*> inputs) const override;
  size_t out() const override { return experts_.out(); }

 private:
  Mlp experts_;
  Mlp gates_;  // one linear layer for the gates of all tasks
};

}  // namespace cairn::math::nn
