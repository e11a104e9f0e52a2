// The memory of one step: rows pulled, gradients to push, predictions; and a batch as the model
// wants it. Buffers grow to the largest batch and stay. Thread safety: none.
#pragma once

#include <span>
#include <vector>

#include "worker/features/batch.h"
#include "worker/math/models/model.h"

namespace cairn::training {

// Where a batch stands among those of the other workers.
struct StepPlace {
  double rows = 1.0;             // of the global batch
  uint64_t step = 0;             // of the job
  uint64_t first_sample = 0;     // in the global batch
  math::Peers* peers = nullptr;  // null: alone
};

class StepBuffers {
 public:
  // `memory`: of the model, which rows are copied to and gradients from.
  StepBuffers(std::vector<uint32_t> table_dims, uint32_t tasks, math::Memory& memory);
  ~StepBuffers();
  StepBuffers(const StepBuffers&) = delete;
  StepBuffers& operator=(const StepBuffers&) = delete;

  // Makes room for a batch. Views given before are no longer valid.
  void resize(const features::Batch& batch);

  // Views of `batch`, which must outlive their use, and of `rows`.
  const math::ModelInput& input(const features::Batch& batch, const StepPlace& place);
  // Views of what a step writes.
  const math::ModelOutput& output();

  std::vector<std::vector<float>> rows;       // one per table: [keys, dim], as pulled
  std::vector<std::vector<float>> gradients;  // the same shape
  std::vector<float> predictions;             // [rows, tasks]
  std::vector<double> losses;                 // [tasks]

 private:
  void resize(std::vector<float>& buffer, size_t floats);

  math::Memory& memory_;
  std::vector<uint32_t> dims_;
  std::vector<math::ModelInput::Bag> bags_;
  std::vector<std::span<const float>> row_views_;
  std::vector<std::span<float>> gradient_views_;
  math::ModelInput input_;
  math::ModelOutput output_;
};

}  // namespace cairn::training
