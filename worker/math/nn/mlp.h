// Fully connected layers, one after the other. With `groups` > 1 there are as many independent
// stacks side by side. A hidden layer is: product and bias, normalisation, activation, dropout.
//
// Shapes: [batch, in] to [batch, groups * units.back()]. The groups share the input of the first
// layer, which is therefore one wide product. Without layers the input is the result.
//
// Parameters "<name>.<layer>.<part>", where "[units]" is [groups, units] with groups:
//   weight           [units, in], with groups [groups, units, in]; He-uniform before a ReLU, else
//                    Glorot-uniform
//   bias             [units], zero
//   slope            [units], a quarter; with prelu
//   scale, shift     [units], one and zero; with a normalisation
//   mean, variance   [units], zero and one; statistics of batch normalisation, not trained
#pragma once

#include <string>
#include <vector>

#include "worker/math/autograd/tape.h"
#include "worker/math/autograd/towers.h"
#include "worker/math/nn/parameters.h"

namespace cairn::math::nn {

// The parts of a hidden layer behind its product.
struct HiddenLayer {
  Activation activation = Activation::kNone;
  Normalization normalization = Normalization::kNone;
  float dropout = 0.0f;

  HiddenLayer(Activation activation) : activation(activation) {}
  // For the deep tower and the towers of tasks.
  explicit HiddenLayer(const ModelConfig& config)
      : activation(config.activation),
        normalization(config.normalization),
        dropout(config.dropout) {}
};

class Mlp {
 public:
  Mlp() = default;
  Mlp(Parameters& parameters, const std::string& name, size_t in,
      const std::vector<uint32_t>& units, const HiddenLayer& hidden, size_t groups = 1);

  // Appends a layer that is a product and a bias alone.
  void add_linear(Parameters& parameters, const std::string& name, size_t units);

  Variable* forward(Tape& tape, Variable* x) const;
  size_t out() const { return width_; }  // columns per group

 private:
  struct Layer {
    Variable *weight, *bias;
    HiddenLayer after;
    Variable* slope = nullptr;
    autograd::BatchNorm norm = {};  // layer normalisation has scale and shift alone
    uint32_t dropout_layer = 0;
  };
  void add_layer(Parameters& parameters, const std::string& name, size_t units,
                 const HiddenLayer& after);
  static Variable* finish(Tape& tape, const Layer& layer, Variable* x);

  std::vector<Layer> layers_;
  size_t groups_ = 1;
  size_t width_ = 0;
};

}  // namespace cairn::math::nn
