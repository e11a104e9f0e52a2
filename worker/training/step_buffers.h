// The memory of one training step: rows pulled, gradients to push, predictions; and a batch as the
// model wants it. Buffers grow to the largest batch and stay. Thread safety: none.
#pragma once

#include <span>
#include <vector>

#include "worker/features/batch.h"
#include "worker/math/models/model.h"
#include "worker/math/tensor/row_buffers.h"
#include "worker/version/batch_input.h"

namespace cairn::training {

// Where a batch stands among those of the other workers.
struct StepPlace {
  double samples = 1.0;          // of the global batch
  uint64_t step = 0;             // of the job
  uint64_t first_sample = 0;     // in the global batch
  math::Peers* peers = nullptr;  // null: alone
};

class StepBuffers {
 public:
  // `memory`: of the model, which rows are copied to and gradients from.
  StepBuffers(std::vector<uint32_t> table_dims, uint32_t tasks, math::Memory& memory);

  // Makes room for a batch. Views given before are no longer valid.
  void resize(const features::Batch& batch);

  // Views of `batch`, which must outlive their use, and of `rows`.
  const math::ModelInput& input(const features::Batch& batch, const StepPlace& place);
  // Views of what a step writes.
  const math::ModelOutput& output();

  std::vector<std::vector<float>>& rows() { return rows_.tables; }  // [keys, dim] each, as pulled
  std::vector<std::vector<float>>& gradients() { return gradients_.tables; }  // the same shape
  const std::vector<double>& losses() const { return losses_; }               // [tasks]

 private:
  math::RowBuffers rows_, gradients_;
  std::vector<uint32_t> dims_;
  std::vector<float> predictions_;  // [samples, tasks]
  std::vector<double> losses_;
  version::BatchInput batch_input_;
  std::vector<std::span<const float>> row_views_;
  std::vector<std::span<float>> gradient_views_;
  math::ModelOutput output_;
};

}  // namespace cairn::training
