// A recommender model: pooled embeddings and numbers in, one logit (or value) a task out, and the way
// back. What the trainer sees of the mathematics.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/config/job.h"
#include "common/result.h"

namespace cairn {

// What the model is built for, besides ModelConfig.
struct ModelShape {
  struct BagFeature {
    uint32_t table;  // index into `table_dims`
    Pooling pooling;
  };
  std::vector<uint32_t> table_dims;
  std::vector<BagFeature> bags;  // in the job's order; each contributes its table's dim columns
  uint32_t dense_columns = 0;
};

struct ModelInput {
  struct Bag {
    std::span<const uint32_t> offsets;  // [rows + 1]
    std::span<const uint32_t> index;    // [occurrences], into the rows of the feature's table
  };
  size_t rows = 0;                                 // may be 0
  std::span<const float> dense;                    // [rows, dense_columns]
  std::span<const Bag> bags;                       // one a BagFeature
  std::span<const std::span<const float>> tables;  // one a table: unique rows [n, dim]
  std::span<const float> labels;                   // [rows, tasks]; unused by `predict`
  double loss_divisor = 1.0;                       // rows of the GLOBAL batch
};

struct ModelOutput {
  std::span<float> predictions;                   // [rows, tasks]: probabilities (bce) or values (mse)
  std::span<const std::span<float>> table_grads;  // one a table: [n, dim]; written, not added to
  std::span<double> losses;  // [tasks]: unweighted, summed over rows, divided by loss_divisor
};

// One dense parameter, a slice of the flat buffers.
struct ParameterInfo {
  std::string name;            // "cross.0.weight"
  std::vector<uint32_t> shape;
  size_t offset = 0, size = 0;  // floats
};

// Thread safety: none; a worker thread owns its model. Workers of one job build identical ones.
class Model {
 public:
  virtual ~Model() = default;

  virtual const std::vector<ParameterInfo>& parameters() const = 0;
  virtual std::span<float> values() = 0;     // all parameters, flat
  virtual std::span<float> gradients() = 0;  // same layout; written by `train_step`

  // Forward only; fills output.predictions.
  virtual void predict(const ModelInput& input, std::span<float> predictions) = 0;
  // Forward and backward: predictions, losses, table_grads and gradients() are overwritten. With 0 rows
  // gradients are zero.
  virtual void train_step(const ModelInput& input, const ModelOutput& output) = 0;
};

// Errors: kInvalidArgument where config and shape cannot make a model (no input, no task).
Result<std::unique_ptr<Model>> make_model(const ModelConfig& config, const ModelShape& shape, uint64_t seed);

// Updates the model's dense parameters in place; its state is one flat buffer, saved in checkpoints.
class DenseOptimizer {
 public:
  virtual ~DenseOptimizer() = default;
  virtual void step(std::span<float> values, std::span<const float> gradients, uint64_t step) = 0;
  virtual std::vector<std::string> state_names() const = 0;  // e.g. {"m", "v"}
  virtual std::span<float> state() = 0;  // [names, parameters], all names after each other
};

Result<std::unique_ptr<DenseOptimizer>> make_dense_optimizer(const DenseOptimizerConfig& config,
                                                             size_t parameters);

}  // namespace cairn
