// The interaction of a sample's inputs, before or beside the deep tower. The job chooses one by
// `model.interaction`.
#pragma once

#include <memory>

#include "common/config/model_config.h"
#include "worker/math/autograd/tape.h"
#include "worker/math/nn/parameters.h"

namespace cairn::math::nn {

// The inputs of a batch.
struct Features {
  Variable* x0 = nullptr;       // [batch, columns]: the vectors of ids side by side, then numbers
  Variable* numbers = nullptr;  // [batch, numbers]; they need no gradient
};

struct FeatureShape {
  size_t columns = 0;
  size_t numbers = 0;
  size_t fields = 0;  // vectors of ids
  size_t dim = 0;     // columns of each vector; 0: they differ
};

// Owns no parameters: they live in the model's. Thread safety: as the model's.
class InteractionLayer {
 public:
  virtual ~InteractionLayer() = default;
  virtual Variable* forward(Tape& tape, const Features& in) const = 0;
  virtual size_t out() const = 0;  // columns of the result
};

// Null where the job has none; cross without layers is none. `config` as make_model has validated
// it.
std::unique_ptr<InteractionLayer> make_interaction(Parameters& parameters,
                                                   const ModelConfig& config,
                                                   const FeatureShape& shape);

}  // namespace cairn::math::nn
