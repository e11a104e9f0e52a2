// Factorization machine, second order: the sum over pairs of fields of v_f * v_g, elementwise. A
// field is an id's vector, or a number x_i with the vector x_i v_i. The sum of the columns is the
// second-order term of a factorization machine. Under a deep tower the columns are the
// bi-interaction of a neural one. Sources: Rendle, ICDM 2010, eq. 1; He and Chua, SIGIR 2017,
// eq. 4.
//
// Shapes: vectors of one dim to [batch, dim]. Parameters: "<name>.numbers" [numbers, dim],
// Glorot-uniform, where there are numbers.
#pragma once

#include <string>

#include "worker/math/nn/interaction.h"

namespace cairn::math::nn {

class Fm final : public InteractionLayer {
 public:
  Fm(Parameters& parameters, const std::string& name, const FeatureShape& shape);

  Variable* forward(Tape& tape, const Features& in) const override;
  size_t out() const override { return shape_.dim; }

 private:
  FeatureShape shape_;
  Variable* vectors_ = nullptr;  // one per number; null without numbers
};

}  // namespace cairn::math::nn
