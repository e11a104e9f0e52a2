// Applies a step: sums its pushes in worker order and updates the rows. Live steps and replayed
// steps go through the same code, so that both give the same bits. Thread safety: none.
#pragma once

#include <vector>

#include "ps/hot/shard_rows.h"
#include "ps/step/gradient_merge.h"
#include "ps/step/step_assembler.h"

namespace cairn::ps {

// The changes of a step, one entry per table.
using StepChanged = std::vector<ShardRows::Changed>;

// With `create`, a row that is not in memory is not stored either. Otherwise keys that are not in
// memory are added to `deferred`, by table, with their summed gradients.
StepChanged apply_step(ShardRows& rows, const StepAssembler::Step& step, bool create,
                       std::vector<ShardRows::Deferred>& deferred);

// Applies the part of one table, or the deferred keys of that table.
ShardRows::Changed apply_table(ShardRows& rows, const ShardRows::Change& change, uint32_t table,
                               const std::vector<GradientPart>& parts,
                               ShardRows::Deferred& deferred);

// Counts the keys of a step that is over, for tables that admit keys by count.
void count_keys(ShardRows& rows, const StepAssembler::Step& step);

ShardRows::Change change_of(const StepAssembler::Step& step, bool create);

}  // namespace cairn::ps
