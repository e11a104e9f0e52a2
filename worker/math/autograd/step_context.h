// What layers may know of the step they compute in, beyond their inputs: enough for W workers to
// compute what one would on the same global batch.
#pragma once

#include <cstdint>
#include <span>

namespace cairn {

struct StepNumbers;  // worker/math/ops/dropout.h

// The other workers of a step. Every worker makes the same calls in the same order, one without
// rows too: what a layer asks depends on the model alone.
class Peers {
 public:
  virtual ~Peers() = default;
  // Replaces `values` (as long on every worker; beside the model's numbers) by their sum over all
  // workers, in rank order: the same bits on each. An implementation that cannot leaves them as
  // they are and lets its owner know, who gives up the step.
  virtual void sum(std::span<float> values) = 0;
};

struct StepContext {
  uint64_t seed = 0;
  uint64_t step = 0;          // of the job, from 1
  uint64_t first_sample = 0;  // where this worker's rows begin in the global batch
  double rows = 0.0;          // of the global batch
  Peers* peers = nullptr;     // null: this worker is alone
  // Step and first row once more, beside the numbers; null: the tape makes them.
  const StepNumbers* numbers = nullptr;

  void sum(std::span<float> values) const {
    if (peers != nullptr) peers->sum(values);
  }
};

}  // namespace cairn
