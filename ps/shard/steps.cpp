#include "ps/shard/steps.h"

#include <algorithm>
#include <utility>

#include "common/check.h"

namespace cairn::ps {

namespace {
// Pushes that may wait, per worker. A client has at most 8 unacknowledged.
constexpr size_t kWaitingPushesMax = 16;
}  // namespace

Steps::Steps(uint32_t workers, Uses uses)
    : workers_(workers),
      uses_(std::move(uses)),
      deferred_(uses_.rows.tables()),
      rows_created_(uses_.rows.tables()) {}

void Steps::on_push(Request from, Message message) {
  const auto is_of_same_worker = [&](const auto& waiting) {
    return waiting.second.header.worker == message.header.worker;
  };
  if (uses_.assembler.validate(message.header) != StepAssembler::Verdict::kDuplicate &&
      (!uses_.consistency.may_accept(message.header, uses_.flush.log_has_room()) ||
       std::ranges::any_of(waiting_, is_of_same_worker)))
    return wait_with(std::move(from), std::move(message));
  take(std::move(from), std::move(message));
  release_waiting();
}

void Steps::take(Request from, Message message) {
  const uint32_t worker = message.header.worker;
  switch (uses_.assembler.validate(message.header)) {
    case StepAssembler::Verdict::kNext:
      break;
    case StepAssembler::Verdict::kDuplicate: {
      uses_.metrics.duplicates_dropped.Increment();
      // Answered once it is logged, to whoever asked last.
      for (Unacknowledged& push : unacknowledged_) {
        if (push.from.header.worker != worker ||
            push.from.header.sequence != message.header.sequence)
          continue;
        push.from = std::move(from);
        return;
      }
      return uses_.replies.text(from, StatusCode::kOk, "");
    }
    case StepAssembler::Verdict::kOutOfOrder: {
      const uint64_t expected = uses_.assembler.expected_sequence(worker);
      from.header.sequence = expected;
      return uses_.replies.refuse(
          from, StatusCode::kOutOfOrder, RefusalReason::kOutOfOrder,
          "expected push " + std::to_string(expected) + " of worker " + std::to_string(worker));
    }
    case StepAssembler::Verdict::kWrongStep:
      return uses_.replies.refuse(from, StatusCode::kBadMessage, RefusalReason::kOther,
                                  "step " + std::to_string(message.header.step) +
                                      " is not the next of worker " + std::to_string(worker));
    case StepAssembler::Verdict::kTooFarAhead:
      return uses_.replies.refuse(
          from, StatusCode::kBadMessage, RefusalReason::kOther,
          "worker " + std::to_string(worker) + " is too far ahead of the others");
  }
  if (!uses_.validator.validate_rows(from, message)) return;

  uses_.metrics.push_rows.Increment(static_cast<double>(message.key_count()));
  uses_.metrics.log_written_bytes.Increment(
      static_cast<double>(sizeof(Header) + message.directory.size() * sizeof(TableEntry) +
                          message.keys.size() + message.values.size()));
  const Lsn lsn = uses_.writer.take_lsn();
  auto push = std::make_shared<const Message>(std::move(message));
  unacknowledged_.push_back({std::move(from), lsn});
  uses_.assembler.accept(push, lsn);
  uses_.writer.append({.lsn = lsn, .push = std::move(push), .sequences = {}});
  apply();
}

void Steps::wait_with(Request from, Message message) {
  for (auto& [earlier, its] : waiting_) {
    if (earlier.header.worker != from.header.worker ||
        earlier.header.sequence != from.header.sequence)
      continue;
    earlier = std::move(from);  // it came again, perhaps over a new connection
    return;
  }
  if (waiting_.size() >= kWaitingPushesMax * workers_)
    return uses_.replies.refuse(from, StatusCode::kFailed, RefusalReason::kOther,
                                "too many pushes wait");
  if (uses_.consistency.waits_for_log(message.header, uses_.flush.log_has_room()))
    uses_.metrics.pushes_held_back.Increment();
  waiting_.emplace_back(std::move(from), std::move(message));
}

// In the order in which they came: of a worker none overtakes another, as what makes one wait makes
// those of later steps wait.
void Steps::release_waiting() {
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    if (!uses_.consistency.may_accept(at->second.header, uses_.flush.log_has_room())) {
      ++at;
      continue;
    }
    auto [from, message] = std::move(*at);
    waiting_.erase(at);
    take(std::move(from), std::move(message));
    at = waiting_.begin();  // that may have ended a step, and released others
  }
}

void Steps::acknowledge() {
  while (!unacknowledged_.empty() && unacknowledged_.front().lsn <= uses_.clock.acknowledged_lsn) {
    const Unacknowledged push = std::move(unacknowledged_.front());
    unacknowledged_.pop_front();
    uses_.replies.text(push.from, StatusCode::kOk, "");
  }
}

void Steps::apply() {
  while (!applying_ && !uses_.is_held()) {
    const StepAssembler::Step* step = uses_.consistency.ready_step();
    if (step == nullptr) return;
    if (!apply_step(*step)) return;
    end_step();
  }
}

// False: part of it has to wait for rows from the store.
bool Steps::apply_step(const StepAssembler::Step& step) {
  count_changed(ps::apply_step(uses_.rows, step, /*create=*/uses_.store.empty(), deferred_));
  uses_.changes.changed(step);
  const bool whole =
      std::ranges::all_of(deferred_, [](const auto& table) { return table.keys.empty(); });
  if (!whole) read_deferred(static_cast<uint32_t>(step.step));
  return whole;
}

void Steps::count_changed(const StepChanged& changed) {
  for (uint32_t table = 0; table < changed.size(); ++table) {
    rows_created_[table] += changed[table].created;
    uses_.metrics.gradients_not_finite.Increment(static_cast<double>(changed[table].not_finite));
    uses_.metrics.rows_created.Increment(static_cast<double>(changed[table].created));
    uses_.metrics.keys_refused.Increment(static_cast<double>(changed[table].refused));
    if (uses_.rows.admission(table).selective())
      uses_.metrics.keys_admitted.Increment(static_cast<double>(changed[table].created));
  }
}

void Steps::read_deferred(uint32_t step) {
  applying_ = true;
  std::vector<RowKey> keys;
  for (uint32_t table = 0; table < uses_.rows.tables(); ++table)
    for (const Key key : deferred_[table].keys) keys.push_back({table, key});
  const size_t reads = uses_.reads.read(std::move(keys), step, [this] { apply_deferred(); });
  uses_.metrics.cold_reads.Increment(static_cast<double>(reads));
}

void Steps::apply_deferred() {
  if (uses_.failure.has_value()) return;
  const ShardRows::Change change = change_of(*uses_.assembler.complete(), /*create=*/false);
  StepChanged changed;
  for (uint32_t table = 0; table < uses_.rows.tables(); ++table) {
    const ShardRows::Deferred now = std::exchange(deferred_[table], {});
    const GradientPart part{reinterpret_cast<const char*>(now.keys.data()),
                            reinterpret_cast<const char*>(now.gradients.data()), now.keys.size()};
    changed.push_back(apply_table(uses_.rows, change, table, {part}, deferred_[table]));
    check(deferred_[table].keys.empty(), "rows read for a step stay until it is applied");
    uses_.changes.changed(*uses_.assembler.complete(), table, now.keys);
  }
  count_changed(changed);
  applying_ = false;
  end_step();
  apply();
  release_waiting();
}

void Steps::end_step() {
  const Lsn commit = uses_.assembler.complete()->commit_lsn;
  count_keys(uses_.rows, *uses_.assembler.complete());
  uses_.assembler.applied();
  uses_.applied(commit);
}

void Steps::refuse_all() {
  for (const auto& [from, message] : waiting_)
    uses_.replies.text(from, StatusCode::kFailed, uses_.failure->message);
  for (const Unacknowledged& push : unacknowledged_)
    uses_.replies.text(push.from, StatusCode::kFailed, uses_.failure->message);
  waiting_.clear();
  unacknowledged_.clear();
}

}  // namespace cairn::ps
