// Cross layers of DCN-V2 whose weight is a product of thin matrices, one layer after the other.
// Source: Wang et al., "DCN V2", arXiv:2008.13535, eq. 3 to 5; the numbers below are theirs.
//
// LowRankCross: x_{l+1} = x0 * (U (V x_l) + b) + x_l                                     (eq. 3)
// Parameters: "<name>.<layer>.v" [rank, dim], ".u" [dim, rank], Glorot-uniform; ".bias" [dim],
// zero.
//
// MixtureCross: x_{l+1} = sum_i G_i(x_l) E_i(x_l) + x_l                                 (eq. 4)
//               E_i(x_l) = x0 * (U_i tanh(C_i tanh(V_i x_l)) + b)                        (eq. 5)
// with G the softmax over experts of gate x_l. As gates sum to one, the experts' last products are
// one, of U = [U_1 ... U_E] with their gated inputs side by side.
// Parameters: "<name>.<layer>.v" [experts, rank, dim], ".c" [experts, rank, rank], ".u" [dim,
// experts * rank], ".gate" [experts, dim], Glorot-uniform; ".bias" [dim], zero.
//
// Shapes: x0 [batch, dim] to [batch, dim].
#pragma once

#include <string>
#include <vector>

#include "worker/math/nn/interaction.h"

namespace cairn::nn {

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

}  // namespace cairn::nn
