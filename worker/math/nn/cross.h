// Cross layers, one after the other. They have one weight per pair of inputs, or one per input.
//
// Cross, full-rank, of DCN-V2: x_{l+1} = x0 * (W_l x_l + b_l) + x_l.
// Source: Wang et al., "DCN V2", arXiv:2008.13535, eq. 1.
// Parameters: "<name>.<layer>.weight" [dim, dim], Glorot-uniform; "<name>.<layer>.bias"
// [dim], zero.
//
// VectorCross, of DCN: x_{l+1} = x0 (x_l . w_l) + b_l + x_l.
// Source: Wang et al., "Deep & Cross Network for Ad Click Predictions", ADKDD 2017, eq. 3.
// Parameters: "<name>.<layer>.weight" [dim], Glorot-uniform; "<name>.<layer>.bias" [dim], zero.
//
// Shapes: x0 [batch, dim] to [batch, dim].
#pragma once

#include <string>
#include <vector>

#include "worker/math/nn/interaction.h"

namespace cairn::math::nn {

class Cross final : public InteractionLayer {
 public:
  Cross(Parameters& parameters, const std::string& name, size_t dim, size_t layers);

  Variable* forward(Tape& tape, const Features& in) const override;
  size_t out() const override { return dim_; }

 private:
  struct Layer {
    Variable *weight, *bias;
  };
  std::vector<Layer> layers_;
  size_t dim_;
};

class VectorCross final : public InteractionLayer {
 public:
  VectorCross(Parameters& parameters, const std::string& name, size_t dim, size_t layers);

  Variable* forward(Tape& tape, const Features& in) const override;
  size_t out() const override { return dim_; }

 private:
  struct Layer {
    Variable *weight, *bias;
  };
  std::vector<Layer> layers_;
  size_t dim_;
};

}  // namespace cairn::math::nn
