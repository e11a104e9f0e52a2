// Pushes: logged as they come, gathered a step, summed in worker order and applied once.
#include <algorithm>
#include <utility>

#include "ps/shard.h"

namespace cairn {

void Shard::on_push(Request from, Message message) {
  const uint32_t worker = message.header.worker;
  const PushGather::Verdict verdict = gather_.judge(message.header);
  if (verdict != PushGather::Verdict::kDuplicate && must_wait(message.header))
    return wait_with_push(std::move(from), std::move(message));
  switch (verdict) {
    case PushGather::Verdict::kNext:
      break;
    case PushGather::Verdict::kDuplicate: {
      metrics_.duplicates_dropped.Increment();
      // Answered once it is logged, to whoever asked last.
      for (Unacknowledged& push : unacknowledged_) {
        if (push.from.header.worker != worker ||
            push.from.header.sequence != message.header.sequence)
          continue;
        push.from = std::move(from);
        return;
      }
      return reply(from, StatusCode::kOk, "");
    }
    case PushGather::Verdict::kOutOfOrder: {
      const uint64_t expected = gather_.expected_sequence(worker);
      from.header.sequence = expected;
      return refuse(
          from, StatusCode::kOutOfOrder, RefusalReason::kOutOfOrder,
          "expected push " + std::to_string(expected) + " of worker " + std::to_string(worker));
    }
    case PushGather::Verdict::kWrongStep:
      return refuse(from, StatusCode::kBadMessage, RefusalReason::kOther,
                    "step " + std::to_string(message.header.step) + " is not the next of worker " +
                        std::to_string(worker));
    case PushGather::Verdict::kTooFarAhead:
      return refuse(from, StatusCode::kBadMessage, RefusalReason::kOther,
                    "worker " + std::to_string(worker) + " is too far ahead of the others");
  }
  if (!judge_rows(from, message)) return;

  metrics_.push_rows.Increment(static_cast<double>(message.key_count()));
  metrics_.log_written_bytes.Increment(
      static_cast<double>(sizeof(Header) + message.directory.size() * sizeof(TableEntry) +
                          message.keys.size() + message.values.size()));
  const Lsn lsn = next_lsn_++;
  auto push = std::make_shared<const Message>(std::move(message));
  unacknowledged_.push_back({std::move(from), lsn});
  gather_.accept(push, lsn);
  world_.log.append({.lsn = lsn, .push = std::move(push), .sequences = {}});
  apply_steps();
  release_waiting_pushes();
}

void Shard::acknowledge_pushes() {
  while (!unacknowledged_.empty() && unacknowledged_.front().lsn <= acknowledged_) {
    const Unacknowledged push = std::move(unacknowledged_.front());
    unacknowledged_.pop_front();
    reply(push.from, StatusCode::kOk, "");
  }
}

void Shard::apply_steps() {
  while (!applying_ && !examining_ && !applying_is_held()) {
    const PushGather::Step* step = gather_.complete();
    if (step == nullptr) return;
    if (!apply_step(*step)) return;
    step_applied();
  }
}

// False: part of it has to wait for rows from the store.
bool Shard::apply_step(const PushGather::Step& step) {
  count_changed(cairn::apply_step(*rows_, step, /*create=*/world_.store.empty(), deferred_));
  const bool whole =
      std::ranges::all_of(deferred_, [](const auto& table) { return table.keys.empty(); });
  if (!whole) read_deferred(static_cast<uint32_t>(step.step));
  return whole;
}

void Shard::count_changed(const StepChanged& changed) {
  for (uint32_t table = 0; table < changed.size(); ++table) {
    rows_created_[table] += changed[table].created;
    metrics_.gradients_not_finite.Increment(static_cast<double>(changed[table].not_finite));
    metrics_.rows_created.Increment(static_cast<double>(changed[table].created));
    metrics_.keys_refused.Increment(static_cast<double>(changed[table].refused));
    if (rows_->admission(table).selective())
      metrics_.keys_admitted.Increment(static_cast<double>(changed[table].created));
  }
}

void Shard::read_deferred(uint32_t step) {
  applying_ = true;
  std::vector<RowKey> keys;
  for (uint32_t table = 0; table < rows_->tables(); ++table)
    for (const Key key : deferred_[table].keys) keys.push_back({table, key});
  metrics_.cold_reads.Increment(static_cast<double>(keys.size()));
  reads_.read(std::move(keys), step, [this] { apply_deferred(); });
}

void Shard::apply_deferred() {
  if (failure_.has_value()) return;
  const ShardRows::Change change = change_of(*gather_.complete(), /*create=*/false);
  StepChanged changed;
  for (uint32_t table = 0; table < rows_->tables(); ++table) {
    const ShardRows::Deferred now = std::exchange(deferred_[table], {});
    const GradientPart part{reinterpret_cast<const char*>(now.keys.data()),
                            reinterpret_cast<const char*>(now.gradients.data()), now.keys.size()};
    changed.push_back(apply_table(*rows_, change, table, {part}, deferred_[table]));
    check(deferred_[table].keys.empty(), "rows read for a step stay until it is applied");
  }
  count_changed(changed);
  applying_ = false;
  step_applied();
  apply_steps();
  release_waiting_pushes();
}

void Shard::step_applied() {
  commit_lsn_ = gather_.complete()->commit_lsn;
  count_keys(*rows_, *gather_.complete());
  gather_.applied();
  const uint64_t applied = gather_.applied_step();
  rows_->drop_placeholders(applied);
  rows_->tier().make_room(0, applied);
  metrics_.applied_step.Set(static_cast<double>(applied));
  if (!removes_rows_) return step_over();
  examining_ = true;
  if (examination_->read) examine();
}

void Shard::step_over() {
  release_pulls();
  start_sweep_if_due();
  advance_checkpoint();
}

}  // namespace cairn
