// Optimizers of a model's dense parameters, which are one flat buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/config/train_config.h"
#include "common/result.h"
#include "worker/math/nn/parameters.h"
#include "worker/math/ops/ops.h"

namespace cairn::math {

// Updates parameters in place; its state is one flat buffer, saved in checkpoints. Values,
// gradients and state stand in the memory of the operations that it was made with
// (Ops::memory), where a device takes the step in the order of its stream. Thread safety: none.
class DenseOptimizer {
 public:
  virtual ~DenseOptimizer() = default;
  // `step` is that of the job, from 1. `gradients` are those of the mean loss over the global
  // batch. They are used up: they may hold anything afterwards.
  virtual void step(std::span<float> values, std::span<float> gradients, uint64_t step) = 0;
  virtual std::vector<std::string> state_names() const = 0;  // e.g. {"m", "v"}
  // [names, floats]: one name's state after the other; zero at first.
  virtual std::span<float> state() = 0;
};

struct ParameterLayout {
  size_t floats = 0;                               // size of Model::values()
  std::span<const ParameterInfo> parameters = {};  // empty: all are one parameter, which decays

  ParameterLayout(size_t floats, std::span<const ParameterInfo> parameters = {})
      : floats(floats), parameters(parameters) {}
};

// Clips gradients first, where the config says so. Errors: kInvalidArgument for an unknown name.
Result<std::unique_ptr<DenseOptimizer>> make_dense_optimizer(const DenseOptimizerConfig& config,
                                                             const ParameterLayout& layout,
                                                             const Ops& ops = cpu_ops());

}  // namespace cairn::math
