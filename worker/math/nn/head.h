// The part of a model that all tasks share above the interaction and the deep tower. It gives each
// task the input of its tower. The job chooses one by `model.head.type`.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/config/model_config.h"
#include "worker/math/autograd/tape.h"
#include "worker/math/nn/parameters.h"

namespace cairn::math::nn {

// Owns no parameters: they live in the model's. Thread safety: as the model's.
class HeadLayer {
 public:
  virtual ~HeadLayer() = default;
  // x [batch, in]; fills one input [batch, out] per task.
  virtual void forward(Tape& tape, Variable* x, std::span<Variable*> inputs) const = 0;
  virtual size_t out() const = 0;
};

// `tasks`: their names. `config` as make_model has validated it.
std::unique_ptr<HeadLayer> make_head(Parameters& parameters, const ModelConfig& config,
                                     const std::vector<std::string>& tasks, size_t in);

}  // namespace cairn::math::nn
