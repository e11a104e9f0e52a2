// What a shard's steps changed, for whoever follows its rows: a change log, replicas, a serving tier.
// Thread safety: none; a shard's thread calls it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/hash.h"
#include "ps/log/push_log.h"

namespace cairn {

// One step of one shard, valid for the length of the call.
struct StepChanges {
  struct Table {
    std::vector<Key> keys;       // of rows that the step created or changed, each once, in no order
    std::vector<float> weights;  // [keys, dim], as of the end of the step
  };
  uint64_t step = 0;
  Lsn lsn = 0;                // of the step's last record; the log may not have acknowledged it yet
  std::vector<Table> tables;  // one per table
  std::span<const DeletedKey>
      removed;  // rows that went after the step: removals come after changes
};

// Steps come in order, none is left out, and each comes once, at the point where it is over: its
// rows are changed, and those that expired or exceeded a cap are gone. That is before the next step
// is answered, and may be before the step is durable: a server that dies then takes it back.
class ChangeListener {
 public:
  virtual ~ChangeListener() = default;

  // A shard begins, with the rows as of `applied_step`. The steps up to that one that this listener
  // has not had are not told: a server that recovers applies what its log holds before it begins.
  // Whoever followed an earlier shard starts again from rows that are as new, unless it had this step.
  // What expired after `applied_step` itself may come still, as that step once more.
  virtual void begin(uint64_t applied_step) = 0;
  virtual void step_over(const StepChanges& changes) = 0;
};

}  // namespace cairn
