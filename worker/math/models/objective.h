// The objective of a model: from a network's outputs (worker/math/models/network.h) to losses and
// predictions.
#pragma once

#include <cstddef>
#include <span>

#include "worker/math/autograd/tape.h"
#include "worker/math/models/staging.h"

namespace cairn::math {

// Owns no parameters: it registers them in the model's, behind the network's. Thread safety: as the
// model's.
class Objective {
 public:
  virtual ~Objective() = default;

  // How many numbers a step takes and leaves.
  struct Sizes {
    size_t predictions = 0;  // per sample
    size_t labels = 0;       // per sample
    size_t losses = 0;       // per step; also weights per sample
  };
  virtual Sizes sizes() const = 0;
  // Whether losses exchange sums with other workers.
  virtual bool exchanges() const = 0;

  // Writes the sums of the losses, the predictions, and the gradients of the outputs: from them the
  // tape runs backward.
  virtual void compute_losses(Tape& tape, const Staging::Step& step,
                              std::span<Variable* const> outputs) const = 0;
  // Writes predictions [samples, sizes().predictions] alone.
  virtual void predict(Tape& tape, std::span<Variable* const> outputs,
                       Matrix predictions) const = 0;
};

}  // namespace cairn::math
