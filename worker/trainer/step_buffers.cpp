#include "worker/trainer/step_buffers.h"

#include <utility>

namespace cairn {

StepBuffers::StepBuffers(std::vector<uint32_t> table_dims, uint32_t tasks)
    : rows(table_dims.size()),
      gradients(table_dims.size()),
      losses(tasks),
      dims_(std::move(table_dims)) {}

void StepBuffers::resize(const Batch& batch) {
  for (size_t t = 0; t < dims_.size(); ++t) {
    rows[t].resize(batch.keys[t].size() * dims_[t]);
    gradients[t].resize(rows[t].size());
  }
  predictions.resize(size_t{batch.rows} * losses.size());
}

const ModelInput& StepBuffers::input(const Batch& batch, const StepPlace& place) {
  bags_.clear();
  for (const Bag& bag : batch.bags) bags_.push_back({bag.offsets, bag.index});
  row_views_.assign(rows.begin(), rows.end());
  input_.rows = batch.rows;
  input_.dense = batch.dense;
  input_.bags = bags_;
  input_.tables = row_views_;
  input_.labels = batch.labels;
  input_.weights = batch.weights;
  input_.loss_divisor = place.rows;
  input_.step = place.step;
  input_.first_row = place.first_row;
  input_.peers = place.peers;
  return input_;
}

const ModelOutput& StepBuffers::output() {
  gradient_views_.assign(gradients.begin(), gradients.end());
  output_.predictions = predictions;
  output_.table_grads = gradient_views_;
  output_.losses = losses;
  return output_;
}

}  // namespace cairn
