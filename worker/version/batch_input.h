// A batch of features as a model wants it.
#pragma once

#include <span>
#include <vector>

#include "worker/features/batch.h"
#include "worker/math/models/model.h"

namespace cairn::version {

// Thread safety: none.
class BatchInput {
 public:
  // Views of `batch` and of `tables` (ModelInput::tables), both of which outlive their use; until
  // the next call.
  math::ModelInput& of(const features::Batch& batch,
                       std::span<const std::span<const float>> tables) {
    bags_.clear();
    for (const features::Bag& bag : batch.bags) bags_.push_back({bag.offsets, bag.index});
    input_.samples = batch.samples;
    input_.dense = batch.dense;
    input_.bags = bags_;
    input_.tables = tables;
    input_.labels = batch.labels;
    input_.weights = batch.weights;
    return input_;
  }

 private:
  std::vector<math::ModelInput::Bag> bags_;
  math::ModelInput input_;
};

}  // namespace cairn::version
