// Gathers a step's changes and tells the shard's listener when the step is over. Rows are copied as
// they are changed: until the step is over a flush may store them and memory may lose them. The
// feed does nothing where nobody listens. Thread safety: none; a shard's thread owns it.
#pragma once

#include <span>
#include <vector>

#include "ps/hot/shard_rows.h"
#include "ps/shard/change_listener.h"
#include "ps/step/step_assembler.h"

namespace cairn::ps {

class ChangeFeed {
 public:
  // `listener` outlives the feed; null for none.
  ChangeFeed(const ShardRows& rows, ChangeListener* listener);

  void begin(uint64_t applied_step);
  // `step` was applied, except for the keys that wait for the store.
  void changed(const StepAssembler::Step& step);
  // The keys of `table` that waited were applied too.
  void changed(const StepAssembler::Step& step, uint32_t table, std::span<const Key> keys);
  void removed(std::span<const DeletedKey> keys);
  void step_over(uint64_t step, Lsn lsn);

 private:
  const ShardRows& rows_;
  ChangeListener* const listener_;
  StepChanges changes_;
  std::vector<DeletedKey> removed_;
  std::vector<std::vector<Key>> keys_;  // per table, of the step at hand
  std::vector<HotRow*> found_;
  std::vector<float> floats_;
};

}  // namespace cairn::ps
