// A model as the trainer sees it: ids, table rows and numbers in, predictions per task out, and the
// way back. Losses, layers and devices stand behind it (worker/math/models/step_runner.h).
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

namespace cairn::math {

struct OperationGraph;

// The shape of the inputs that a model is built for.
struct ModelShape {
  struct BagFeature {
    uint32_t table;  // index into `table_dims`
    Pooling pooling;
    uint32_t target = 0;  // kAttention: index into `bags` of the feature that ids are scored for
  };
  std::vector<uint32_t> table_dims;
  std::vector<BagFeature> bags;  // in the job's order; each adds its table's dim columns
  uint32_t dense_columns = 0;
};

struct ModelInput {
  struct Bag {
    std::span<const uint32_t> offsets;  // [samples + 1]
    std::span<const uint32_t> index;    // [occurrences], into the rows of the feature's table
  };
  size_t samples = 0;                              // may be 0
  std::span<const float> dense;                    // [samples, dense_columns]
  std::span<const Bag> bags;                       // one per BagFeature
  std::span<const std::span<const float>> tables;  // one per table: unique rows [n, dim]
  std::span<const float> labels;                   // [samples, tasks]; only for `train_step`
  std::span<const float> weights;                  // [samples, tasks], for losses; empty: all 1
  double loss_divisor = 1.0;                       // samples of the GLOBAL batch
  // Only for `train_step`: with these, W workers compute what one would.
  uint64_t step = 0;          // the job's, from 1
  uint64_t first_sample = 0;  // place of this worker's first sample in the global batch
  Peers* peers = nullptr;     // null: this worker is alone
  // `tables` stand in the model's memory(), not the host's. Not for `train_step`.
  bool tables_in_memory = false;
};

struct ModelOutput {
  std::span<float> predictions;  // [samples, tasks]: probabilities of binary tasks, else values
  std::span<const std::span<float>> table_grads;  // one per table: [n, dim]; written, not added to
  std::span<double> losses;  // [tasks]: unweighted, summed over samples, divided by loss_divisor
  // It is told of parts of gradients() as they become complete, from the end to the beginning: the
  // same parts in every step. Null: nobody wants to know.
  GradientSink* sink = nullptr;
};

// Thread safety: none; a worker thread owns its model. Workers of one job build identical ones.
class Model {
 public:
  virtual ~Model() = default;

  virtual const std::vector<ParameterInfo>& parameters() const = 0;
  // All parameters, flat, in `memory`. The gaps between them are zero, in values and gradients.
  virtual std::span<float> values() = 0;
  virtual std::span<float> gradients() = 0;  // same layout; written by `train_step`
  // The memory of the device that it computes on. Inputs and outputs of a step stand in the host's.
  virtual Memory& memory() = 0;

  // Forward only: writes predictions [samples, tasks].
  virtual void predict(const ModelInput& input, std::span<float> predictions) = 0;
  // Forward up to the heads, as `predict` computes it: writes one vector per sample, [samples,
  // encoding_dim]. The heads see this vector and nothing else of the sample.
  virtual void encode(const ModelInput& input, std::span<float> encodings) = 0;
  virtual size_t encoding_dim() const = 0;
  // Whether a training step exchanges sums with `peers`. Then a worker that has no samples, or
  // failed to get them, takes a step of 0 samples: the others wait for it.
  virtual bool exchanges() const = 0;
  // Forward and backward: overwrites predictions, losses, table_grads and gradients(). With 0
  // samples gradients are zero.
  virtual void train_step(const ModelInput& input, const ModelOutput& output) = 0;
  // The operations of `predict` (worker/math/models/operation_graph.h).
  virtual OperationGraph operations() = 0;
  // The most memory that the intermediate results of any step have taken.
  virtual size_t peak_step_bytes() const = 0;
};

// Initial weights depend on (config, shape, seed) alone. `device` is that of the job: "cpu" or
// "cuda". `precision` is that of the factors of products (docs/models.md); they stay float32 where
// the device is no faster at bf16 (Ops::multiplies_bf16). Errors: kInvalidArgument where config and
// shape cannot make a model (no input, no task, an unknown device), kUnavailable where this build
// lacks the device.
Result<std::unique_ptr<Model>> make_model(const ModelConfig& config, const ModelShape& shape,
                                          uint64_t seed, std::string_view device = "cpu",
                                          Precision precision = Precision::kF32);
// The same with operations that the caller chooses; they outlive the model.
Result<std::unique_ptr<Model>> make_model(const ModelConfig& config, const ModelShape& shape,
                                          uint64_t seed, const Ops& ops,
                                          Precision precision = Precision::kF32);

}  // namespace cairn::math
