// A recommender model: pooled embeddings and numbers in, one logit (or value) a task out, and the
// way back. What the trainer sees of the mathematics.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "common/config/feature_config.h"
#include "common/config/model_config.h"
#include "common/config/train_config.h"
#include "common/result.h"
#include "worker/math/autograd/step_context.h"
#include "worker/math/device/step_graphs.h"
#include "worker/math/nn/parameters.h"
#include "worker/math/optimizers/dense_optimizer.h"

namespace cairn {

struct OperationGraph;

// What the model is built for, besides ModelConfig.
struct ModelShape {
  struct BagFeature {
    uint32_t table;  // index into `table_dims`
    Pooling pooling;
    uint32_t target = 0;  // kAttention: index into `bags` of the feature that is scored for
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
  std::span<const std::span<const float>> tables;  // one per table: unique rows [n, dim]
  std::span<const float> labels;                   // [rows, tasks]; unused by `predict`
  std::span<const float> weights;                  // [rows, tasks], of the losses; empty: all 1
  double loss_divisor = 1.0;                       // rows of the GLOBAL batch
  // What layers depend on that W workers compute as one would. `predict` uses none of it.
  uint64_t step = 0;          // of the job, from 1
  uint64_t first_sample = 0;  // of this worker's rows, in the global batch
  Peers* peers = nullptr;     // null: this worker is alone
  // `tables` stand in the model's memory(), not the host's. For `predict` only.
  bool tables_in_memory = false;
};

struct ModelOutput {
  std::span<float> predictions;  // [rows, tasks]: probabilities (bce) or values (mse)
  std::span<const std::span<float>> table_grads;  // one per table: [n, dim]; written, not added to
  std::span<double> losses;  // [tasks]: unweighted, summed over rows, divided by loss_divisor
  // Told of parts of gradients() as they become complete, from the end of it to its beginning: the
  // same parts in every step. Null: nobody wants to know.
  GradientSink* sink = nullptr;
};

// Thread safety: none; a worker thread owns its model. Workers of one job build identical ones.
class Model {
 public:
  virtual ~Model() = default;

  virtual const std::vector<ParameterInfo>& parameters() const = 0;
  // All parameters, flat, in `memory`. Between them are gaps, which are zero in values and
  // gradients alike.
  virtual std::span<float> values() = 0;
  virtual std::span<float> gradients() = 0;  // same layout; written by `train_step`
  // Of the device that it computes on. Inputs and outputs of a step stand in the host's.
  virtual Memory& memory() = 0;

  // Forward only: writes predictions [samples, tasks].
  virtual void predict(const ModelInput& input, std::span<float> predictions) = 0;
  // Forward up to the heads, as `predict` computes it: writes one vector per sample, [samples,
  // encoding_dim]. The heads see this vector and nothing else of the sample.
  virtual void encode(const ModelInput& input, std::span<float> encodings) = 0;
  virtual size_t encoding_dim() const = 0;
  // Whether a training step exchanges sums with `peers`. Then a worker without rows, or without
  // those that it should have, takes a step of 0 rows, for the others wait for it.
  virtual bool exchanges() const = 0;
  // Forward and backward: predictions, losses, table_grads and gradients() are overwritten. With 0
  // rows gradients are zero.
  virtual void train_step(const ModelInput& input, const ModelOutput& output) = 0;
  // The operations of `predict` (worker/math/models/operation_graph.h).
  virtual OperationGraph operations() = 0;
  // The most memory that intermediate results of one step have taken.
  virtual size_t peak_step_bytes() const = 0;
};

// Initial weights depend on (config, shape, seed) alone. `device` is that of the job: "cpu" or
// "cuda". Errors: kInvalidArgument where config and shape cannot make a model (no input, no task,
// an unknown device), kUnavailable where this build lacks the device.
// `precision`: of the factors of products (docs/models.md); float32 all the same where the device
// is no faster at bf16 (Ops::multiplies_bf16).
Result<std::unique_ptr<Model>> make_model(const ModelConfig& config, const ModelShape& shape,
                                          uint64_t seed, std::string_view device = "cpu",
                                          Precision precision = Precision::kF32);
// The same, of operations that the caller has chosen and that outlive it.
Result<std::unique_ptr<Model>> make_model(const ModelConfig& config, const ModelShape& shape,
                                          uint64_t seed, const Ops& ops,
                                          Precision precision = Precision::kF32);

}  // namespace cairn
