// The DCN-V2 multi-task model once more, in double, written for reading: the definition that the
// fast one is held against. It shares no code with it, and takes gradients by central differences,
// which in double are right to about nine digits.
#pragma once

#include <limits>
#include <map>
#include <string>
#include <vector>

#include "worker/models/model.h"

namespace cairn {

using Doubles = std::vector<double>;

struct ReferenceInput {
  size_t rows = 0;
  Doubles dense;                                         // [rows, dense columns]
  std::vector<std::vector<std::vector<uint32_t>>> bags;  // [bag][row]: indices
  std::vector<Doubles> tables;                           // [table]: [unique, dim]
  Doubles labels;                                        // [rows, tasks]
  double divisor = 1.0;
};

class ReferenceDcn {
 public:
  ReferenceDcn(const ModelConfig& config, const ModelShape& shape)
      : config_(config), shape_(shape) {}

  std::map<std::string, Doubles> parameters;  // by name, as the model lays each out

  // [rows, tasks]: probabilities or values.
  Doubles predict(const ReferenceInput& input) const;
  // [tasks], unweighted, divided by the divisor.
  Doubles losses(const ReferenceInput& input) const;
  // The weighted sum of them, which is what is trained.
  double objective(const ReferenceInput& input) const;

  // The least distance from 0 of what went into a ReLU so far: closer than rounding, float and
  // double may decide differently, and a difference quotient may step over the kink.
  double closest_kink() const { return closest_kink_; }

 private:
  Doubles layer(const std::string& name, const Doubles& x, bool relu, size_t group = 0,
                size_t groups = 1) const;
  Doubles features(const ReferenceInput& input, size_t row) const;
  Doubles logits(const ReferenceInput& input, size_t row) const;
  Doubles mixture(const Doubles& x, size_t task) const;

  ModelConfig config_;
  ModelShape shape_;
  mutable double closest_kink_ = std::numeric_limits<double>::infinity();
};

}  // namespace cairn
