// Dot interaction of DLRM. An MLP, the bottom, makes one more vector of all numbers. The result is
// that vector, then the inner product of each pair of vectors. Source: Naumov et al., "Deep
// Learning Recommendation Model for Personalization and Recommendation Systems", arXiv:1906.00091.
//
// Shapes: vectors of one dim to [batch, dim + pairs], where pairs = n (n - 1) / 2 and
// n = fields + 1. Without numbers there is no bottom: to [batch, pairs], where n = fields.
// Parameters: "<name>.bottom.<layer>" (worker/math/nn/mlp.h), layers of `units` and a last one of
// dim.
#pragma once

#include <string>
#include <vector>

#include "worker/math/nn/interaction.h"
#include "worker/math/nn/mlp.h"

namespace cairn::math::nn {

class Dot final : public InteractionLayer {
 public:
  Dot(Parameters& parameters, const std::string& name, const FeatureShape& shape,
      std::vector<uint32_t> units, Activation activation);

  Variable* forward(Tape& tape, const Features& in) const override;
  size_t out() const override;

 private:
  FeatureShape shape_;
  Mlp bottom_;
};

}  // namespace cairn::math::nn
