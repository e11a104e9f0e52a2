#include "worker/training/step_buffers.h"

#include <utility>

namespace cairn::training {

StepBuffers::StepBuffers(std::vector<uint32_t> table_dims, uint32_t tasks, math::Memory& memory)
    : rows_(table_dims.size(), memory),
      gradients_(table_dims.size(), memory),
      dims_(std::move(table_dims)),
      losses_(tasks) {}

void StepBuffers::resize(const features::Batch& batch) {
  for (size_t t = 0; t < dims_.size(); ++t) {
    const size_t floats = batch.keys[t].size() * dims_[t];
    rows_.resize(t, floats);
    gradients_.resize(t, floats);
  }
  predictions_.resize(size_t{batch.samples} * losses_.size());
}

const math::ModelInput& StepBuffers::input(const features::Batch& batch, const StepPlace& place) {
  row_views_.assign(rows_.tables.begin(), rows_.tables.end());
  math::ModelInput& input = batch_input_.of(batch, row_views_);
  input.loss_divisor = place.samples;
  input.step = place.step;
  input.first_sample = place.first_sample;
  input.peers = place.peers;
  return input;
}

const math::ModelOutput& StepBuffers::output() {
  gradient_views_.assign(gradients_.tables.begin(), gradients_.tables.end());
  output_.predictions = predictions_;
  output_.table_grads = gradient_views_;
  output_.losses = losses_;
  return output_;
}

}  // namespace cairn::training
