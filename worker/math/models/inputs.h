// A batch as the layers see it: vectors of ids pooled, numbers beside them, and the linear part.
//
// x0 = [vectors of ids in the features' order, numbers].
//
// Where the model is wide, the first floats of a row, one per task, are the id's weights in the
// tasks' linear parts, and what follows is its vector; a feature whose rows hold no more has no
// vector. Linear part of task t: sum of the ids' weights (pooled as their vectors are, by sum where
// those are by attention) + w_t . numbers. Source: Cheng et al., "Wide & Deep Learning", DLRS 2016,
// section 3.1. Parameters: "wide.numbers" [tasks, numbers], Glorot-uniform.
//
// The target of a feature pooled by attention (worker/math/nn/attention.h) is its row's pooled
// vector. Parameters: "attention.<number of the id feature>.<layer>".
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "worker/math/models/network.h"
#include "worker/math/nn/attention.h"
#include "worker/math/nn/interaction.h"

namespace cairn {

class Inputs {
 public:
  // `row_weights`: how many floats of each row are weights of the linear part; 0: the model is not
  // wide.
  Inputs(nn::Parameters& parameters, const ModelConfig& config, const ModelShape& shape,
         size_t row_weights);

  const nn::FeatureShape& shape() const { return features_; }
  size_t row_weights() const { return row_weights_; }

  nn::Features features(Tape& tape, const Batch& batch) const;
  // [samples, row_weights]; null where the model is not wide.
  Variable* wide(Tape& tape, const Batch& batch) const;

 private:
  size_t vector_dim(size_t bag) const {
    return shape_.table_dims[shape_.bags[bag].table] - row_weights_;
  }
  // Features [first, last) side by side, those by attention as sums, and behind them `numbers`.
  Variable* pooled(Tape& tape, const Batch& batch, Variable* TableRows::*part, size_t first,
                   size_t last, Variable* numbers) const;
  Variable* attended(Tape& tape, const Batch& batch, size_t bag) const;

  ModelShape shape_;
  size_t row_weights_;
  nn::FeatureShape features_;
  Variable* number_weights_ = nullptr;
  std::vector<std::optional<nn::Attention>>
      attentions_;  // one per feature; empty without attention
};

}  // namespace cairn
