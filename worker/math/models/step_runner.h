// The model that a network and an objective make: it stages a batch's inputs, runs the forward part
// and the objective on a tape, and backward where it trains. Where the device keeps graphs, a step
// of a known shape is launched as one (worker/math/device/step_graphs.h).
//
// The network and the objective are called once per step, when its operations are given to the
// device: kept graphs do not call them again.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "worker/math/models/gradient_buckets.h"
#include "worker/math/models/model.h"
#include "worker/math/models/network.h"
#include "worker/math/models/objective.h"
#include "worker/math/models/staging.h"
#include "worker/math/ops/ops.h"
#include "worker/math/tensor/arena.h"

namespace cairn::math {

// The objective has registered its parameters behind the network's; they have no buffers yet.
struct ModelParts {
  std::unique_ptr<nn::Parameters> parameters;
  std::unique_ptr<const Network> network;
  std::unique_ptr<const Objective> objective;
};

struct StepSettings {
  uint64_t seed = 0;                      // for initial values and dropouts
  Precision precision = Precision::kF32;  // to which products round their factors
  float l2 = 0.0f;                        // half the sum of squared weights, times this, is added
};

class StepRunner final : public Model {
 public:
  // `ops` outlive it, and `parts` were made of them.
  StepRunner(const Ops& ops, const ModelShape& shape, ModelParts parts,
             const StepSettings& settings);

  const std::vector<ParameterInfo>& parameters() const override {
    return parts_.parameters->infos();
  }
  std::span<float> values() override { return parts_.parameters->values(); }
  std::span<float> gradients() override { return parts_.parameters->gradients(); }
  Memory& memory() override { return ops_.memory(); }
  void predict(const ModelInput& input, std::span<float> predictions) override;
  void encode(const ModelInput& input, std::span<float> encodings) override;
  size_t encoding_dim() const override { return parts_.network->encoding_dim(); }
  void train_step(const ModelInput& input, const ModelOutput& output) override;
  bool exchanges() const override { return exchanges_; }
  OperationGraph operations() override;
  size_t peak_step_bytes() const override { return arena_.peak_bytes(); }

 private:
  // The staged inputs as variables; `gradients` of the tables' rows are empty in inference.
  NetworkInput batch(Tape& tape, const ModelInput& input,
                     std::span<const std::span<float>> gradients) const;
  // Forward only: `work(tape, batch, results)` writes the results [samples, columns].
  template <typename Work>
  void infer(const ModelInput& input, std::span<float> results, size_t columns, Work work);
  // Everything that the operations do in a training step. It gives them the same calls for every
  // step of the same shape: what differs stands in the staged inputs.
  void compute(const Staging::Step& step, GradientSink& sink);
  void check_input(const ModelInput& input) const;
  void check_training(const ModelInput& input, const ModelOutput& output) const;

  const Ops& ops_;
  ModelShape shape_;
  ModelParts parts_;
  StepSettings settings_;
  Objective::Sizes sizes_;
  bool exchanges_;
  Arena arena_;
  Staging staging_;
  StepGraphs graphs_;
  GradientBuckets buckets_;
};

}  // namespace cairn::math
