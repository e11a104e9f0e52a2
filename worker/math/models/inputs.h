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

#include "worker/math/models/model.h"
#include "worker/math/nn/attention.h"
#include "worker/math/nn/interaction.h"

namespace cairn {

class Inputs {
 public:
  // `weights`: of each row, of the linear part; 0: the model is not wide.
  Inputs(nn::Parameters& parameters, const ModelConfig& config, const ModelShape& shape,
         size_t weights);

  const nn::FeatureShape& shape() const { return features_; }

  // The rows of one table, as variables. Where there is nothing of a kind, it is null.
  struct TableRows {
    Variable* weights = nullptr;
    Variable* vectors = nullptr;
  };
  // `gradients` is empty in inference.
  std::span<TableRows> tables(Tape& tape, const ModelInput& input,
                              std::span<const std::span<float>> gradients) const;

  nn::Features features(Tape& tape, const ModelInput& input,
                        std::span<const TableRows> tables) const;
  // [batch, weights]; null where the model is not wide.
  Variable* wide(Tape& tape, const ModelInput& input, std::span<const TableRows> tables) const;

 private:
  size_t vector_dim(size_t bag) const {
    return shape_.table_dims[shape_.bags[bag].table] - weights_;
  }
  // Features [first, last) side by side, those by attention as sums, and `numbers`.
  Variable* pooled(Tape& tape, const ModelInput& input, std::span<const TableRows> tables,
                   Variable* TableRows::*part, size_t first, size_t last,
                   ConstMatrix numbers) const;
  Variable* attended(Tape& tape, const ModelInput& input, std::span<const TableRows> tables,
                     size_t bag) const;

  ModelShape shape_;
  size_t weights_;
  nn::FeatureShape features_;
  Variable* number_weights_ = nullptr;
  std::vector<std::optional<nn::Attention>> attentions_;  // of each feature that has one
};

}  // namespace cairn
