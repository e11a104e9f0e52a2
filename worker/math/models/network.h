// The forward part of a model: from the features of a batch to the outputs that an objective judges
// (worker/math/models/objective.h). A step runner (worker/math/models/step_runner.h) runs both on
// one tape; another model is another pair of them.
#pragma once

#include <span>

#include "worker/math/autograd/tape.h"
#include "worker/math/models/model.h"

namespace cairn::math {

// The rows of one table as variables. What a row does not hold is null.
struct TableRows {
  Variable* weights = nullptr;  // [unique, row_weights]
  Variable* vectors = nullptr;  // [unique, dim - row_weights]
};

// One batch on a tape. Views that live until the arena's reset.
struct NetworkInput {
  const ModelInput& input;            // staged: it stands where the operations want it
  Variable* numbers;                  // [samples, dense_columns]; it needs no gradient
  std::span<const TableRows> tables;  // one per table of the shape
};

// Owns no parameters: it registers them in the model's, in an order that depends on the job alone.
// Thread safety: as the model's. Every call gives the tape the same operations for every batch of
// the same shape.
class Network {
 public:
  virtual ~Network() = default;

  // How many floats at the start of each table's row are weights of linear parts; the rest is the
  // id's vector.
  virtual size_t row_weights() const = 0;
  // Whether layers exchange sums with other workers in a training step.
  virtual bool exchanges() const = 0;

  // The variables that the objective judges, for example one logit [samples, 1] per task.
  virtual std::span<Variable* const> forward(Tape& tape, const NetworkInput& batch) const = 0;
  // One vector per sample, [samples, encoding_dim].
  virtual Variable* encode(Tape& tape, const NetworkInput& batch) const = 0;
  virtual size_t encoding_dim() const = 0;
};

}  // namespace cairn::math
