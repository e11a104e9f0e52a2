// The step that layers compute in, as far as they may know it beyond their inputs. It is enough for
// W workers to compute what one worker would on the same global batch.
#pragma once

#include <cstdint>
#include <span>

namespace cairn::math {

struct StepNumbers;  // worker/math/ops/dropout.h

// The other workers of a step. Every worker makes the same calls in the same order, even one
// without samples: the calls of a layer depend on the model alone.
class Peers {
 public:
  virtual ~Peers() = default;
  // Replaces `values` by their sum over all workers, in rank order: the same bits on each. They
  // have the same length on every worker, and stand in the memory of the model's numbers. An
  // implementation that fails leaves them as they are and tells its owner, who gives up the step.
  virtual void sum(std::span<float> values) = 0;
};

struct StepContext {
  uint64_t seed = 0;
  uint64_t step = 0;          // the job's, from 1
  uint64_t first_sample = 0;  // where this worker's samples begin in the global batch
  double samples = 0.0;       // in the global batch
  Peers* peers = nullptr;     // null: this worker is alone
  // `step` and `first_sample` once more, in the memory of the numbers; null: the tape makes them.
  const StepNumbers* numbers = nullptr;

  void sum(std::span<float> values) const {
    if (peers != nullptr) peers->sum(values);
  }
};

}  // namespace cairn::math
