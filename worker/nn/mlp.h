// Fully connected layers, one after the other; in `groups` > 1, as many independent stacks side by
// side.
//
// Shapes: [batch, in] to [batch, groups * units.back()]. The groups share the input of the first
// layer, which is therefore one wide product. Without layers the input is the result. Parameters:
// "<name>.<layer>.weight" [units, in], with groups [groups, units, in]; "<name>.<layer>.bias"
// [units] or [groups, units]; weights He-uniform before a ReLU, else Glorot-uniform; biases zero.
#pragma once

#include <string>
#include <vector>

#include "worker/autograd/tape.h"
#include "worker/nn/parameters.h"

namespace cairn::nn {

class Mlp {
 public:
  Mlp() = default;
  Mlp(Parameters& parameters, const std::string& name, size_t in,
      const std::vector<uint32_t>& units, Activation activation, size_t groups = 1);

  // Appends a layer without activation.
  void add_linear(Parameters& parameters, const std::string& name, size_t units);

  Variable* forward(Tape& tape, Variable* x) const;
  size_t out() const { return width_; }  // of one group

 private:
  struct Layer {
    Variable *weight, *bias;
    Activation activation;
  };
  void add_layer(Parameters& parameters, const std::string& name, size_t units,
                 Activation activation);

  std::vector<Layer> layers_;
  size_t groups_ = 1;
  size_t width_ = 0;
};

}  // namespace cairn::nn
