// A batch as the layers see it: vectors of ids pooled, numbers beside them, and the linear part.
//
// x0 = [vectors of ids in the features' order, numbers].
//
// Where the model is wide, a row begins with the id's weights in the tasks' linear parts, one float
// per task; its vector follows. A feature whose rows hold no more has no vector. The linear part of
// task t is the sum of the ids' weights + w_t . numbers. Weights are pooled as the vectors are, but
// by sum where those are by attention. Source: Cheng et al., "Wide & Deep Learning", DLRS 2016,
// section 3.1. Parameters: "wide.numbers" [tasks, numbers], Glorot-uniform.
//
// Attention (worker/math/nn/attention.h) scores the ids of a feature for the pooled vector of its
// target feature. Parameters: "attention.<number of the id feature>.<layer>".
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "worker/math/models/network.h"
#include "worker/math/nn/attention.h"
#include "worker/math/nn/interaction.h"

namespace cairn::math {

class Inputs {
 public:
  // `row_weights`: how many floats of each row are weights of the linear part; 0: the model is not
  // wide.
  Inputs(nn::Parameters& parameters, const ModelConfig& config, const ModelShape& shape,
         size_t row_weights);

  const nn::FeatureShape& shape() const { return features_; }
  size_t row_weights() const { return row_weights_; }

  nn::Features features(Tape& tape, const NetworkInput& batch) const;
  // [samples, row_weights]; null where the model is not wide.
  Variable* wide(Tape& tape, const NetworkInput& batch) const;

 private:
  size_t vector_dim(size_t bag) const {
    return shape_.table_dims[shape_.bags[bag].table] - row_weights_;
  }
  // Features [first, last) side by side, those by attention as sums, and behind them `numbers`.
  Variable* pooled(Tape& tape, const NetworkInput& batch, Variable* TableRows::*part, size_t first,
                   size_t last, Variable* numbers) const;
  Variable* attended(Tape& tape, const NetworkInput& batch, size_t bag) const;

  ModelShape shape_;
  size_t row_weights_;
  nn::FeatureShape features_;
  Variable* number_weights_ = nullptr;
  std::vector<std::optional<nn::Attention>>
      attentions_;  // one per feature; empty without attention
};

}  // namespace cairn::math
