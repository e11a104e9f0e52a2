#include "worker/training/step_buffers.h"

#include <algorithm>
#include <utility>

namespace cairn::training {

StepBuffers::StepBuffers(std::vector<uint32_t> table_dims, uint32_t tasks, math::Memory& memory)
    : rows(table_dims.size()),
      gradients(table_dims.size()),
      losses(tasks),
      memory_(memory),
      dims_(std::move(table_dims)) {}

StepBuffers::~StepBuffers() {
  for (std::vector<std::vector<float>>* buffers : {&rows, &gradients})
    for (std::vector<float>& buffer : *buffers)
      if (buffer.capacity() > 0) memory_.unpin(buffer.data());
}

// Grows by at least a quarter: what is pinned is costly to move.
void StepBuffers::resize(std::vector<float>& buffer, size_t floats) {
  if (floats > buffer.capacity()) {
    if (buffer.capacity() > 0) memory_.unpin(buffer.data());
    const size_t room = std::max(floats, buffer.capacity() + buffer.capacity() / 4);
    buffer = {};
    buffer.reserve(room);
    memory_.pin(buffer.data(), buffer.capacity() * sizeof(float));
  }
  buffer.resize(floats);
}

void StepBuffers::resize(const features::Batch& batch) {
  for (size_t t = 0; t < dims_.size(); ++t) {
    resize(rows[t], batch.keys[t].size() * dims_[t]);
    resize(gradients[t], rows[t].size());
  }
  predictions.resize(size_t{batch.samples} * losses.size());
}

const math::ModelInput& StepBuffers::input(const features::Batch& batch, const StepPlace& place) {
  bags_.clear();
  for (const features::Bag& bag : batch.bags) bags_.push_back({bag.offsets, bag.index});
  row_views_.assign(rows.begin(), rows.end());
  input_.samples = batch.samples;
  input_.dense = batch.dense;
  input_.bags = bags_;
  input_.tables = row_views_;
  input_.labels = batch.labels;
  input_.weights = batch.weights;
  input_.loss_divisor = place.rows;
  input_.step = place.step;
  input_.first_sample = place.first_sample;
  input_.peers = place.peers;
  return input_;
}

const math::ModelOutput& StepBuffers::output() {
  gradient_views_.assign(gradients.begin(), gradients.end());
  output_.predictions = predictions;
  output_.table_grads = gradient_views_;
  output_.losses = losses;
  return output_;
}

}  // namespace cairn::training
