// One MLP for all tasks. Source: Caruana, "Multitask Learning", Machine Learning 28 (1997).
// Shapes: [batch, in] to [batch, units.back()]. Parameters: "head.bottom.<layer>".
#pragma once

#include "worker/math/nn/head.h"
#include "worker/math/nn/mlp.h"

namespace cairn::math::nn {

class SharedBottom final : public HeadLayer {
 public:
  SharedBottom(Parameters& parameters, const ModelConfig& config, size_t in);

  void forward(Tape& tape, Variable* x, std::span<Variable*> inputs) const override;
  size_t out() const override { return bottom_.out(); }

 private:
  Mlp bottom_;
};

}  // namespace cairn::math::nn
