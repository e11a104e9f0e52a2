// Peers over a Collective: what layers add up in the midst of a step. Thread safety: as the
// Collective's.
#pragma once

#include <optional>
#include <span>

#include "worker/collective/collective.h"
#include "worker/math/autograd/step_context.h"

namespace cairn::training {

class CollectivePeers final : public math::Peers {
 public:
  explicit CollectivePeers(collective::Collective& collective) : collective_(collective) {}

  // After a failure nothing is asked of the collective any more: it has lost a rank.
  void sum(std::span<float> values) override {
    if (collective_.size() == 1 || failure_) return;
    const auto summed = collective_.all_reduce(values, {});
    if (!summed.ok()) failure_ = summed.error();
  }
  // The failure during a step, if there was one: the step's results are worth nothing then.
  const std::optional<Error>& failure() const { return failure_; }

 private:
  collective::Collective& collective_;
  std::optional<Error> failure_;
};

}  // namespace cairn::training
