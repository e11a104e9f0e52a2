// Hears what a shard's steps changed: a change log, replicas, a serving tier. Thread safety: none;
// a shard's thread calls it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/hash.h"
#include "ps/log/push_log.h"

namespace cairn::ps {

// One step of one shard, valid for the length of the call.
struct StepChanges {
  struct Table {
    // The rows that the step created or changed, each once, in no order. A key that was refused,
    // and a row whose gradient was not finite, are not among them.
    std::vector<Key> keys;
    std::vector<float> weights;  // [keys, dim], as of the end of the step
  };
  uint64_t step = 0;
  Lsn lsn = 0;  // the step's last record, which the log may not have acknowledged yet
  std::vector<Table> tables;
  std::span<const DeletedKey> removed;  // rows that went after the step's changes
};

// A step is told at the point where it is over: its rows are changed, and rows that expired or
// exceeded a cap are gone. No pull of the next step has been answered at that point. The step may
// not be durable yet: a server that dies then takes the step back.
//
// Between two calls of begin() steps come in order and none is left out. Each step comes once,
// except the step of begin() itself, which may be told once more, with its removals alone.
class ChangeListener {
 public:
  virtual ~ChangeListener() = default;

  // A shard begins, with the rows as of `applied_step`. A listener that had this step last goes on.
  // It may have had another step last, and then starts again from rows as of `applied_step`:
  // - An earlier one: a recovery applied the steps between before the shard began, and they are not
  //   told.
  // - A later one: the server died before that step was durable. The step comes again.
  virtual void begin(uint64_t applied_step) = 0;
  virtual void step_over(const StepChanges& changes) = 0;
};

}  // namespace cairn::ps
