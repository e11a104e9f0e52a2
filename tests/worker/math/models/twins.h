// A model on the CPU and its twin on a device, from one seed, which must compute the same.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "tests/worker/math/models/example.h"
#include "worker/math/ops/ops.h"
#include "worker/math/optimizers/dense_optimizer.h"

namespace cairn::math {

void expect_close(std::span<const float> got, std::span<const float> want, const std::string& what,
                  double tolerance);

class Twins {
 public:
  // `precision` and `tolerance`, of the largest that is compared: of the device's.
  Twins(const ModelConfig& config, const ModelShape& shape, const Ops& device,
        Precision precision = Precision::kF32, double tolerance = 2e-5);

  // A training step of each, compared. Both go on from what Adam makes of the CPU's: where a
  // gradient is nothing but rounding, Adam makes a step of its sign.
  void step(ExampleBatch& batch, uint64_t number);
  // A training step of each, which goes on from its own.
  void step_apart(ExampleBatch& batch, uint64_t number);
  // Predictions and encodings of each, compared.
  void predict(ExampleBatch& batch);

  // Losses of the last step, summed over tasks.
  double cpu_loss() const { return cpu_loss_; }
  double device_loss() const { return device_loss_; }

 private:
  struct Both {
    StepResult cpu, device;
  };
  Both run(ExampleBatch& batch, uint64_t number);

  size_t tasks_;
  double tolerance_;
  std::unique_ptr<Model> cpu_, device_;
  std::unique_ptr<DenseOptimizer> cpu_adam_, device_adam_;
  double cpu_loss_ = 0.0, device_loss_ = 0.0;
};

}  // namespace cairn::math
