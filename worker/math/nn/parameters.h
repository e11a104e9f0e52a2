// All dense parameters of a model in one flat buffer, and their gradients in another of the same
// layout, so that one call all-reduces, updates or saves them. Both stand in the memory of the
// model's operations.
//
// Each parameter starts at a multiple of 64 bytes; the gaps are zero and stay so. Initial values
// depend on (seed, the parameter's place in the list, the element) alone. Thread safety: none.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "worker/math/autograd/tape.h"
#include "worker/math/tensor/arena.h"

namespace cairn::math {

// One dense parameter, a slice of the flat buffers.
struct ParameterInfo {
  std::string name;  // "cross.0.weight"
  std::vector<uint32_t> shape;
  size_t offset = 0, size = 0;  // floats
  bool trained = true;          // false: a statistic that the model itself keeps
  bool decays = false;          // a weight, drawn towards zero by decay and L2
};

namespace nn {

class Parameters {
 public:
  // They stand in the memory of `ops`.
  explicit Parameters(const Ops& ops = cpu_ops()) : ops_(ops), storage_(ops.memory()) {}
  Parameters(const Parameters&) = delete;
  Parameters& operator=(const Parameters&) = delete;

  // Registers a parameter; it has no storage before `allocate`. It starts uniform in [-limit,
  // limit], or zero where the limit is zero. Its variable is a matrix: all dimensions but the last
  // are rows, and a single dimension is one row.
  Variable* add(std::string name, std::vector<uint32_t> shape, float limit);
  // Registers a parameter whose elements all start as `value` and do not decay. The gradient of one
  // that is not `trained` stays zero.
  Variable* add_constant(std::string name, std::vector<uint32_t> shape, float value,
                         bool trained = true);
  // A number that tells a dropout from the others of the model.
  uint32_t next_dropout() { return dropouts_++; }
  // Makes the buffers. Nothing is added afterwards.
  void allocate(uint64_t seed);

  // Before a step: no gradient holds anything.
  void begin_step();
  // After it, for parameters [first, last) of `infos`: zeroes the gradients of those that took no
  // part, then adds the gradient of l2 / 2 times the sum of squares to those that decay.
  void end_step(float l2, size_t first, size_t last);
  void end_step(float l2 = 0.0f) { end_step(l2, 0, infos_.size()); }
  // The record of the last step's backward that gave the last part of their gradients.
  size_t last_part(size_t first, size_t last) const;

  // Null where `variable` is none of the parameters.
  const std::string* name_of(const Variable* variable) const;

  const std::vector<ParameterInfo>& infos() const { return infos_; }
  std::span<float> values() { return values_; }
  std::span<float> gradients() { return gradients_; }

 private:
  struct Start {
    float limit, value;
  };
  Variable* add(std::string name, std::vector<uint32_t> shape, Start start, bool trained);

  const Ops& ops_;
  std::vector<ParameterInfo> infos_;
  std::vector<Start> starts_;
  std::deque<Variable> variables_;  // a deque: addresses must stay
  uint32_t dropouts_ = 0;
  Arena storage_;
  std::span<float> values_, gradients_;
};

// Limits of uniform initial weights. Sources: He et al., ICCV 2015, for layers before a ReLU;
// Glorot and Bengio, AISTATS 2010, for others.
float he_limit(size_t in);
float glorot_limit(size_t in, size_t out);

}  // namespace nn
}  // namespace cairn::math
