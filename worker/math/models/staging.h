// A step's inputs and results where the operations want them. In host memory they stand there
// already. To a device they go in two kinds of copies: rows as they lie, and the rest packed into
// one block. Where sizes differ from batch to batch there is room for the largest, padded, so that
// few shapes occur. Thread safety: none; it belongs to its model.
#pragma once

#include <span>
#include <vector>

#include "worker/math/device/device.h"
#include "worker/math/models/model.h"
#include "worker/math/ops/dropout.h"
#include "worker/math/tensor/arena.h"

namespace cairn::math {

class Staging {
 public:
  Staging(Memory& memory, std::vector<uint32_t> table_dims);
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  // Views that live until the arena's reset.
  struct Step {
    ModelInput input;
    const StepNumbers* numbers = nullptr;
    std::span<float> results;                       // per sample, such as predictions
    std::span<const std::span<float>> table_grads;  // empty in inference
    double* sums = nullptr;                         // [losses], over the batch
  };

  // Starts the copies of a step's inputs to the device, and makes room for its results; where the
  // step trains, also for gradients of tables. The inputs must stay until `finish`.
  Step begin(const ModelInput& input, std::span<float> results,
             std::span<const std::span<float>> table_grads, size_t losses, Arena& arena);
  // Brings the results to where the caller wants them. When it returns they are there.
  void finish(const Step& step, std::span<float> results,
              std::span<const std::span<float>> table_grads, std::span<double> sums);

 private:
  std::byte* packed(size_t bytes);

  Memory& memory_;
  std::vector<uint32_t> table_dims_;
  // How many rows of each table and ids of each bag there is room for. They only grow, so that in
  // the end there is one shape.
  std::vector<size_t> table_room_, bag_room_;
  Device* device_;  // null: host memory
  std::byte* packed_ = nullptr;
  size_t packed_bytes_ = 0;
};

}  // namespace cairn::math
