// Dot interaction of DLRM: an MLP, the bottom, makes of all numbers one vector more; the result is
// that vector, then the inner product of each pair of vectors. Source: Naumov et al., "Deep
// Learning Recommendation Model for Personalization and Recommendation Systems", arXiv:1906.00091.
//
// Shapes: vectors of one dim; to [batch, dim + pairs], pairs = n (n - 1) / 2 of n = fields + 1
// vectors; without numbers there is no bottom: [batch, pairs] of n = fields. Parameters:
// "<name>.bottom.<layer>.weight", ".bias" of layers of `units` and one of dim.
#pragma once

#include <string>
#include <vector>

#include "worker/math/nn/interaction.h"
#include "worker/math/nn/mlp.h"

namespace cairn::nn {

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

}  // namespace cairn::nn
