// Applies a step: sums its pushes in worker order and updates the rows. A live step and one that
// recovery reads from the log go through the same code, so that they give the same bits. Thread
// safety: none.
#pragma once

#include <vector>

#include "ps/hot/shard_rows.h"
#include "ps/step/gradient_merge.h"
#include "ps/step/step_assembler.h"

namespace cairn::ps {

// The changes of a step, one entry per table.
using StepChanged = std::vector<ShardRows::Changed>;

// `create`: what is not in memory is not stored either. Otherwise what is not in memory is added to
// `deferred`, by table, with its summed gradients.
StepChanged apply_step(ShardRows& rows, const StepAssembler::Step& step, bool create,
                       std::vector<ShardRows::Deferred>& deferred);

// The part of one table, or what of it was deferred.
ShardRows::Changed apply_table(ShardRows& rows, const ShardRows::Change& change, uint32_t table,
                               const std::vector<GradientPart>& parts,
                               ShardRows::Deferred& deferred);

// Counts the keys of a step that is over, for tables that admit keys by count.
void count_keys(ShardRows& rows, const StepAssembler::Step& step);

ShardRows::Change change_of(const StepAssembler::Step& step, bool create);

}  // namespace cairn::ps
