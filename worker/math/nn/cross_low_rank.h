// Cross layers of DCN-V2 whose weight is a product of thin matrices, one layer after the other.
// Source: Wang et al., "DCN V2", arXiv:2008.13535; the numbers of equations are theirs.
//
// LowRankCross: x_{l+1} = x0 * (U (V x_l) + b) + x_l                  (eq. 3)
// Parameters: "<name>.<layer>.v" [rank, dim], "<name>.<layer>.u" [dim, rank], Glorot-uniform;
// "<name>.<layer>.bias" [dim], zero.
//
// MixtureCross: x_{l+1} = sum_i G_i(x_l) E_i(x_l) + x_l               (eq. 4)
//               E_i(x_l) = x0 * (U_i tanh(C_i tanh(V_i x_l)) + b)     (eq. 5)
// where G is the softmax of gate x_l over the experts. Gates sum to one, so the last products of
// all experts are a single product: U = [U_1 ... U_E] times their gated inputs side by side.
// Parameters: "<name>.<layer>.v" [experts, rank, dim], "<name>.<layer>.c" [experts, rank, rank],
// "<name>.<layer>.u" [dim, experts * rank], "<name>.<layer>.gate" [experts, dim], Glorot-uniform;
// "<name>.<layer>.bias" [dim], zero.
//
// Shapes: x0 [batch, dim] to [batch, dim].
#pragma once

#include <string>
#include <vector>

#include "worker/math/nn/interaction.h"

namespace cairn::math::nn {

class LowRankCross final : public InteractionLayer {
 public:
  LowRankCross(Parameters& parameters, const std::string& name, size_t dim, size_t layers,
               size_t rank);

  Variable* forward(Tape& tape, const Features& in) const override;
  size_t out() const override { return dim_; }

 private:
  struct Layer {
    Variable *v, *u, *bias;
  };
  std::vector<Layer> layers_;
  size_t dim_;
};

class MixtureCross final : public InteractionLayer {
 public:
  MixtureCross(Parameters& parameters, const std::string& name, size_t dim, size_t layers,
               size_t rank, size_t experts);

  Variable* forward(Tape& tape, const Features& in) const override;
  size_t out() const override { return dim_; }

 private:
  struct Layer {
    Variable *v, *c, *u, *gate, *bias;
  };
  std::vector<Layer> layers_;
  size_t dim_, experts_;
};

}  // namespace cairn::math::nn
