// Pushes: logged as they come, gathered a step, summed in worker order and applied once.
#include <algorithm>
#include <utility>

#include "ps/shard/shard.h"

namespace cairn {

namespace {
// Pushes that may wait, a worker. A client has at most 8 unacknowledged.
constexpr size_t kWaitingPushesMax = 16;
}  // namespace

void Shard::on_push(Request from, Message message) {
  const auto is_of_same_worker = [&](const auto& waiting) {
    return waiting.second.header.worker == message.header.worker;
  };
  if (assembler_.validate(message.header) != StepAssembler::Verdict::kDuplicate &&
      (must_wait(message.header) || std::ranges::any_of(waiting_pushes_, is_of_same_worker)))
    return wait_with_push(std::move(from), std::move(message));
  take_push(std::move(from), std::move(message));
  release_waiting_pushes();
}

void Shard::take_push(Request from, Message message) {
  const uint32_t worker = message.header.worker;
  switch (assembler_.validate(message.header)) {
    case StepAssembler::Verdict::kNext:
      break;
    case StepAssembler::Verdict::kDuplicate: {
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
    case StepAssembler::Verdict::kOutOfOrder: {
      const uint64_t expected = assembler_.expected_sequence(worker);
      from.header.sequence = expected;
      return refuse(
          from, StatusCode::kOutOfOrder, RefusalReason::kOutOfOrder,
          "expected push " + std::to_string(expected) + " of worker " + std::to_string(worker));
    }
    case StepAssembler::Verdict::kWrongStep:
      return refuse(from, StatusCode::kBadMessage, RefusalReason::kOther,
                    "step " + std::to_string(message.header.step) + " is not the next of worker " +
                        std::to_string(worker));
    case StepAssembler::Verdict::kTooFarAhead:
      return refuse(from, StatusCode::kBadMessage, RefusalReason::kOther,
                    "worker " + std::to_string(worker) + " is too far ahead of the others");
  }
  if (!validate_rows(from, message)) return;

  metrics_.push_rows.Increment(static_cast<double>(message.key_count()));
  metrics_.log_written_bytes.Increment(
      static_cast<double>(sizeof(Header) + message.directory.size() * sizeof(TableEntry) +
                          message.keys.size() + message.values.size()));
  const Lsn lsn = next_lsn_++;
  auto push = std::make_shared<const Message>(std::move(message));
  unacknowledged_.push_back({std::move(from), lsn});
  assembler_.accept(push, lsn);
  environment_.log.append({.lsn = lsn, .push = std::move(push), .sequences = {}});
  apply_steps();
}

// A push gets its lsn once the step before its own is over, where steps remove rows, and once the
// log has room for it.
bool Shard::must_wait(const Header& push) const {
  return (removes_rows_ && (examining_ || push.step > assembler_.applied_step() + 1)) ||
         waits_for_log(push);
}

// Never with a step that has begun: what is logged of it stays in the log until it is applied.
bool Shard::waits_for_log(const Header& push) const {
  return environment_.log.bytes() > log_bytes_allowed() && !assembler_.has_begun(push.step);
}

void Shard::wait_with_push(Request from, Message message) {
  for (auto& [earlier, its] : waiting_pushes_) {
    if (earlier.header.worker != from.header.worker ||
        earlier.header.sequence != from.header.sequence)
      continue;
    earlier = std::move(from);  // it came again, perhaps over a new connection
    return;
  }
  if (waiting_pushes_.size() >= kWaitingPushesMax * options_.workers)
    return refuse(from, StatusCode::kFailed, RefusalReason::kOther, "too many pushes wait");
  if (waits_for_log(message.header)) metrics_.pushes_held_back.Increment();
  waiting_pushes_.emplace_back(std::move(from), std::move(message));
}

// In the order in which they came: of a worker none overtakes another, as what makes one wait makes
// those of later steps wait.
void Shard::release_waiting_pushes() {
  for (auto at = waiting_pushes_.begin(); at != waiting_pushes_.end();) {
    if (must_wait(at->second.header)) {
      ++at;
      continue;
    }
    auto [from, message] = std::move(*at);
    waiting_pushes_.erase(at);
    take_push(std::move(from), std::move(message));
    at = waiting_pushes_.begin();  // that may have ended a step, and released others
  }
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
    const StepAssembler::Step* step = assembler_.complete();
    if (step == nullptr) return;
    if (!apply_step(*step)) return;
    step_applied();
  }
}

// False: part of it has to wait for rows from the store.
bool Shard::apply_step(const StepAssembler::Step& step) {
  count_changed(cairn::apply_step(*rows_, step, /*create=*/environment_.store.empty(), deferred_));
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
  const size_t reads = reads_.read(std::move(keys), step, [this] { apply_deferred(); });
  metrics_.cold_reads.Increment(static_cast<double>(reads));
}

void Shard::apply_deferred() {
  if (failure_.has_value()) return;
  const ShardRows::Change change = change_of(*assembler_.complete(), /*create=*/false);
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
  commit_lsn_ = assembler_.complete()->commit_lsn;
  count_keys(*rows_, *assembler_.complete());
  assembler_.applied();
  const uint64_t applied = assembler_.applied_step();
  rows_->drop_placeholders(applied);
  rows_->tier().make_room(0, applied);
  metrics_.applied_step.Set(static_cast<double>(applied));
  if (!removes_rows_) return step_over();
  examining_ = true;
  if (examination_->read) examine();
}

void Shard::step_over() {
  release_pulls();
  start_flush_if_due();
  advance_checkpoint();
}

}  // namespace cairn
