// Decides which keys of a table get a row. A key without one that a step holds is admitted
//
//   by minimum count   once `min_count` steps have held it, that step included, as a KeyFilter
//                      counts them: never later, sometimes earlier
//   by probability     by a draw for (seed, table, key, step): each step that holds it is a chance
//
// and until then reads as its initial value and trains nothing. The step that admits a key is the
// first that trains it. The row's count starts at 1 there, whatever the filter says: optimizers
// correct for the gradients that a row has seen. The key of a removed row is admitted anew like any
// other key. By minimum count that is at once, as the filter remembers the key.
//
// Steps are counted when they are over. So a step's admissions depend on the steps before it alone,
// not on the order in which its keys are applied. Every key of a step is counted, with or without a
// row, so counts are a function of the pushes. Thread safety: none; a shard's thread owns it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "common/config/table_config.h"
#include "ps/policy/key_filter.h"

namespace cairn::ps {

class Admission {
 public:
  Admission(SlotRange slots, const AdmissionConfig& config, uint32_t table, uint64_t seed);

  // False: every key is admitted, and nothing need be asked or counted.
  bool selective() const { return filter_.has_value() || config_.probability < 1.0f; }
  bool admits(Key key, uint64_t step) const;

  // The keys of a step that is over, each once, ascending.
  void count(std::span<const Key> keys);
  KeyFilter* filter() { return filter_.has_value() ? &*filter_ : nullptr; }

 private:
  const AdmissionConfig config_;
  const uint32_t table_;
  const uint64_t seed_;
  std::optional<KeyFilter> filter_;
};

}  // namespace cairn::ps
