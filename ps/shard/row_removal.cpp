// Expiry and caps: slots are examined after each step, and what goes is logged. The step is over,
// for the pulls and pushes of the next, only then. So the record's lsn lies between the pushes of
// the two steps, and which rows per step finds does not depend on how long reading a slot took.
//
// The first examination of a shard is that of the last step applied before it started: a recovery
// cannot know whether the one that died had come to it. Done again it finds nothing more.
#include <utility>

#include "ps/shard/examination.h"
#include "ps/shard/shard.h"

namespace cairn {

// The rows of the slots due after `step` are read from the store while it is still to come.
void Shard::prepare_examination(uint64_t step) {
  examination_ = Examination{step, slots_due(slots_, options_.removal_period, step)};
  if (examination_->due.empty() || environment_.store.empty()) {
    // Rows that go to the store and leave memory from now on would be missed all the same.
    examination_->read = true;
  }
  if (examination_->due.empty()) return;
  rows_->tier().hold_slots(options_.removal_period,
                           static_cast<uint32_t>(step % options_.removal_period));
  if (examination_->read) return;
  environment_.store.scan(
      examination_->due, [this, post = environment_.post](Result<RowBatch> rows) {
        auto shared = std::make_shared<Result<RowBatch>>(std::move(rows));  // std::function copies
        post([this, shared] { slots_read(std::move(*shared)); });
      });
}

void Shard::slots_read(Result<RowBatch> rows) {
  if (failure_.has_value()) return;
  if (!rows.ok()) return fail(rows.error());
  metrics_.cold_reads.Increment(static_cast<double>(rows.value().entries.size()));
  examination_->stored = std::move(rows).value();
  examination_->read = true;
  if (!examining_) return;
  examine();
  apply_steps();
  release_waiting_pushes();
}

void Shard::examine() {
  const Examination now = std::move(*examination_);
  check(now.step == assembler_.applied_step(), "the slots read are those of the step applied");
  Examined examined = cairn::examine(*rows_, now.due, now.stored, now.step);
  if (!examined.deleted.empty()) delete_rows(now.step, std::move(examined));
  rows_->tier().release_slots();
  examining_ = false;
  prepare_examination(now.step + 1);
  step_over();
}

void Shard::delete_rows(uint64_t step, Examined examined) {
  // The next pulls see what is deleted, so it is logged before they are answered.
  commit_lsn_ = next_lsn_++;
  for (const DeletedKey& deleted : examined.deleted) {
    const auto table = static_cast<uint32_t>(deleted.table);
    rows_->remove(table, deleted.key, commit_lsn_);
    reads_.removed({table, deleted.key});
  }
  for (uint32_t table = 0; table < rows_->tables(); ++table)
    rows_removed_[table] += examined.by_table[table];
  for (size_t reason = 0; reason < kRemovalReasons; ++reason)
    metrics_.removed(static_cast<RemovalReason>(reason))
        .Increment(static_cast<double>(examined.by_reason[reason]));
  environment_.log.append({.lsn = commit_lsn_,
                           .kind = RecordKind::kDelete,
                           .push = nullptr,
                           .sequences = {},
                           .step = step,
                           .deleted = std::move(examined.deleted)});
}

}  // namespace cairn
