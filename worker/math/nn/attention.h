// Pooling of a bag of ids by attention over a target, the activation unit of DIN:
//   y = sum over ids of score([k, t, k - t, k * t]) k,
// where k is the vector of the id, t that of the target, and score an MLP with one output. The
// scores are not normalised, so many ids like the target weigh more than few. With softmax they sum
// to 1 over the ids of a sample. Source: Zhou et al., KDD 2018, section 4.3, eq. 3.
//
// Shapes: table [unique, dim], target [batch, dim] to [batch, dim]. Parameters: "<name>.<layer>",
// the last of one unit.
#pragma once

#include <string>

#include "worker/math/autograd/attention.h"
#include "worker/math/nn/mlp.h"

namespace cairn::math::nn {

class Attention {
 public:
  Attention(Parameters& parameters, const std::string& name, const ModelConfig& config, size_t dim);

  Variable* forward(Tape& tape, const BagView& bag, Variable* table, Variable* target) const;

 private:
  Mlp score_;
  bool softmax_;
};

}  // namespace cairn::math::nn
