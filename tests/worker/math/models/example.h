// A model, a batch for it from a seed, and what a step of it left: what tests of whole models
// share.
#pragma once

#include <memory>
#include <vector>

#include "tests/worker/math/models/reference_model.h"
#include "worker/math/models/model.h"

namespace cairn::math {

// Numbers, two tables of which the first serves two features (one summed, one averaged), bags with
// none, one or several ids, repeated ones too.
ModelShape example_shape();

// A bce task "click" and an mse task "stars" of another weight.
ModelConfig example_config();

// Owns the data that a ModelInput views.
class ExampleBatch {
 public:
  ExampleBatch(const ModelShape& shape, size_t tasks, size_t samples, uint64_t seed);

  ModelInput input();
  // Rows [first, first + count) with the same tables and divisor.
  ExampleBatch part(size_t first, size_t count) const;
  ReferenceInput reference() const;

  size_t samples = 0;
  double divisor = 1.0;
  uint64_t step = 3, first_sample = 0;
  Peers* peers = nullptr;
  std::vector<float> weights;  // [samples, tasks]; empty: all 1
  std::vector<float> dense, labels;
  std::vector<std::vector<std::vector<uint32_t>>> bags;  // [bag][sample]
  std::vector<std::vector<float>> tables;

 private:
  size_t dense_columns_, tasks_;
  // `input` points into these.
  std::vector<std::vector<uint32_t>> offsets_, index_;
  std::vector<ModelInput::Bag> views_;
  std::vector<std::span<const float>> table_views_;
};

struct StepResult {
  std::vector<float> predictions, gradients;
  std::vector<std::vector<float>> table_grads;
  std::vector<double> losses;
};

// Everything that a step must overwrite holds NaN before it.
StepResult run_step(Model& model, ExampleBatch& batch, size_t tasks);

}  // namespace cairn::math
