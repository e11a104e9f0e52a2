#include "ps/shard/row_removal.h"

#include <memory>
#include <utility>

#include "common/check.h"

namespace cairn::ps {

RowRemoval::RowRemoval(SlotRange slots, uint32_t period, Uses uses)
    : slots_(slots), period_(period), uses_(std::move(uses)), rows_removed_(uses_.rows.tables()) {}

void RowRemoval::prepare(uint64_t step) {
  look_ = {step, slots_due(slots_, period_, step), {}, false};
  // Rows that go to an empty store and leave memory from now on would be missed all the same.
  if (look_.due.empty() || uses_.store.empty()) look_.is_read = true;
  if (look_.due.empty()) return;
  uses_.rows.tier().hold_slots(period_, static_cast<uint32_t>(step % period_));
  if (look_.is_read) return;
  uses_.store.scan(look_.due, [this, post = uses_.post](Result<RowBatch> rows) {
    auto shared = std::make_shared<Result<RowBatch>>(std::move(rows));  // std::function copies
    post([this, shared] { slots_read(std::move(*shared)); });
  });
}

void RowRemoval::step_applied() {
  if (look_.is_read) remove_rows();
}

void RowRemoval::slots_read(Result<RowBatch> rows) {
  if (uses_.failure.has_value()) return;
  if (!rows.ok()) return uses_.fail(rows.error());
  uses_.metrics.cold_reads.Increment(static_cast<double>(rows.value().entries.size()));
  look_.stored = std::move(rows).value();
  look_.is_read = true;
  if (uses_.clock.step_is_over) return;
  remove_rows();
  uses_.go_on();
}

void RowRemoval::remove_rows() {
  const Look now = std::move(look_);
  check(now.step == uses_.clock.applied_step, "the slots read are those of the step applied");
  RowsToRemove going = rows_to_remove(uses_.rows, now.due, now.stored, now.step);
  std::optional<Lsn> removed;
  if (!going.deleted.empty()) removed = remove(now.step, std::move(going));
  uses_.rows.tier().release_slots();
  prepare(now.step + 1);
  uses_.over(removed);
}

Lsn RowRemoval::remove(uint64_t step, RowsToRemove going) {
  const Lsn lsn = uses_.writer.take_lsn();
  for (const DeletedKey& deleted : going.deleted) {
    const auto table = static_cast<uint32_t>(deleted.table);
    uses_.rows.remove(table, deleted.key, lsn);
    uses_.reads.removed({table, deleted.key});
  }
  uses_.changes.removed(going.deleted);
  for (uint32_t table = 0; table < uses_.rows.tables(); ++table)
    rows_removed_[table] += going.by_table[table];
  for (size_t reason = 0; reason < kRemovalReasons; ++reason)
    uses_.metrics.removed(static_cast<RemovalReason>(reason))
        .Increment(static_cast<double>(going.by_reason[reason]));
  uses_.writer.append({.lsn = lsn,
                       .kind = RecordKind::kDelete,
                       .push = nullptr,
                       .sequences = {},
                       .step = step,
                       .deleted = std::move(going.deleted)});
  return lsn;
}

}  // namespace cairn::ps
