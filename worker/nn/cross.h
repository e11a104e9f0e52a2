// Full-rank cross layers of DCN-V2, one after the other: x_{l+1} = x0 * (W_l x_l + b_l) + x_l.
// Source: Wang et al., "DCN V2", arXiv:2008.13535, eq. 1.
//
// Shapes: [batch, dim] to [batch, dim]. Without layers the input is the result.
// Parameters: "<name>.<layer>.weight" [dim, dim], Glorot-uniform; "<name>.<layer>.bias" [dim],
// zero.
#pragma once

#include <string>
#include <vector>

#include "worker/autograd/tape.h"
#include "worker/nn/parameters.h"

namespace cairn::nn {

class Cross {
 public:
  Cross(Parameters& parameters, const std::string& name, size_t dim, size_t layers);

  Variable* forward(Tape& tape, Variable* x0) const;

 private:
  struct Layer {
    Variable *weight, *bias;
  };
  std::vector<Layer> layers_;
};

}  // namespace cairn::nn
