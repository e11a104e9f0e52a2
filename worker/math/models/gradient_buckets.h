// The dense gradients of a model in parts, from the last parameter to the first. Backward completes
// them in about this order, so each part can be told of, and reduced over workers, while the rest
// of backward runs. Thread safety: none; it belongs to its model.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "worker/math/device/step_graphs.h"
#include "worker/math/nn/parameters.h"

namespace cairn::math {

class GradientBuckets {
 public:
  // `parameters` have their buffers already and outlive this.
  explicit GradientBuckets(nn::Parameters& parameters);

  void begin_step() { told_ = 0; }
  // Tells `sink` of every bucket that is complete once `records` records of the tape have run back,
  // after its L2 term was added (Parameters::end_step).
  void tell(size_t records, float l2, GradientSink& sink);
  void tell_all(float l2, GradientSink& sink);
  // After a step whose backward ran: learns when each bucket was complete. A model's records are
  // the same in every step, so the first step shows it; until then buckets are told of at the end.
  void learn();

 private:
  struct Bucket {
    size_t first, last;     // its parameters are [first, last)
    size_t ready_after;     // complete once so many records of backward have run
    std::span<float> part;  // its place in the gradients
  };
  nn::Parameters& parameters_;
  std::vector<Bucket> buckets_;
  size_t told_ = 0;  // in this step
};

}  // namespace cairn::math
