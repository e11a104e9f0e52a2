#include "ps/shard/shard.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/check.h"
#include "common/fault_point.h"

namespace cairn {

namespace {
std::vector<WriteBack::Filter> filters_of(ShardRows& rows) {
  std::vector<WriteBack::Filter> filters;
  for (uint32_t table = 0; table < rows.tables(); ++table)
    if (KeyFilter* const filter = rows.admission(table).filter())
      filters.push_back({table, filter});
  return filters;
}
}  // namespace

Result<std::unique_ptr<Shard>> Shard::create(ShardOptions options, Environment environment,
                                             std::optional<RecoveredShard> recovered) {
  const auto invalid = [](std::string why) {
    return Error{ErrorCode::kInvalidArgument, std::move(why)};
  };
  if (options.workers == 0) return invalid("a shard serves at least one worker");
  if (options.tables.empty() || options.tables.size() > kTablesMax)
    return invalid("a shard has 1 to " + std::to_string(kTablesMax) + " tables");
  for (const TableConfig& table : options.tables) {
    if (table.dim == 0 || table.dim > kDimMax)
      return invalid("table '" + table.name + "': dim " + std::to_string(table.dim));
  }
  if (recovered.has_value()) {
    options.rows = std::nullopt;
  } else {
    Result<std::unique_ptr<ShardRows>> rows = ShardRows::create(
        options.slots.range_of(options.shard), options.tables, options.seed, options.hot_bytes);
    if (!rows.ok()) return rows.error();
    if (const Status loaded = rows.value()->load_filters(options.filters); !loaded.ok())
      return loaded.error();
    options.filters.clear();
    StepAssembler assembler(options.workers, options.applied_step);
    std::vector<WorkerSequence> sequences = assembler.sequences();
    recovered = RecoveredShard{std::move(rows).value(), std::move(assembler), options.next_lsn - 1,
                               std::move(sequences)};
  }
  return std::unique_ptr<Shard>(
      new Shard(std::move(options), std::move(environment), std::move(*recovered)));
}

Shard::Shard(ShardOptions options, Environment environment, RecoveredShard from)
    : options_(std::move(options)),
      slots_(options_.slots.range_of(options_.shard)),
      environment_(std::move(environment)),
      metrics_(environment_.metrics),
      rows_(std::move(from.rows)),
      rows_created_(options_.tables.size()),
      rows_removed_(options_.tables.size()),
      next_lsn_(options_.next_lsn),
      acknowledged_(options_.next_lsn - 1),
      commit_lsn_(options_.next_lsn - 1),
      assembler_(std::move(from.assembler)),
      deferred_(options_.tables.size()),
      removes_rows_(std::ranges::any_of(options_.tables, removes_rows)),
      reads_(
          environment_.store, environment_.post,
          [this](const std::vector<RowKey>& keys, const RowBatch& found, uint32_t pin) {
            // The step it was for may have been applied since: then nothing waits for the rows.
            rows_->install(keys, found, pin > assembler_.applied_step() ? pin : 0);
          },
          [this](std::vector<RowKey>& keys) { rows_->erase_present(keys); },
          [this](const Error& error) { fail(error); }),
      write_back_(
          slots_, rows_->tier(), [this](FlushFile run) { save_flush_file(std::move(run)); },
          filters_of(*rows_)) {
  // Recovery starts at a replay start, so a log begins with one. After a recovery the rows changed
  // since its replay start are dirty still, so it is said again.
  append_replay_start(from.replay_after, std::move(from.sequences));
  metrics_.applied_step.Set(static_cast<double>(assembler_.applied_step()));
  if (!removes_rows_) return;
  examining_ = true;
  prepare_examination(assembler_.applied_step());
  if (examination_->read) examine();
}

Shard::~Shard() = default;

void Shard::on_message(const Peer& peer, Message message, Arrival arrival) {
  Request from{peer, message.header, arrival};
  if (failure_.has_value()) return reply(from, StatusCode::kFailed, failure_->message);
  if (!validate_header(from, message)) return;
  switch (message.header.op) {
    case Op::kPull:
      return on_pull(std::move(from), std::move(message));
    case Op::kPush:
      return on_push(std::move(from), std::move(message));
    case Op::kPing:
      return answer_ping(from);
    case Op::kStats:
      return answer_stats(from);
    case Op::kCheckpoint:
      return on_checkpoint(std::move(from), message);
  }
}

void Shard::on_bad_message(const Peer& peer, const zmq::message_t& first_part, const Error& why,
                           Arrival arrival) {
  const Request from{peer, header_of(first_part), arrival};
  const bool other_version = from.header.magic == kWireMagic && from.header.version != kWireVersion;
  refuse(from, StatusCode::kBadMessage,
         other_version ? RefusalReason::kVersion : RefusalReason::kMalformed, why.message);
}

bool Shard::validate_header(const Request& from, const Message& message) {
  const Header& header = message.header;
  const auto refused = [&](StatusCode status, RefusalReason reason, const std::string& why) {
    refuse(from, status, reason, why);
    return false;
  };
  if (header.incarnation != options_.incarnation)
    return refused(StatusCode::kWrongIncarnation, RefusalReason::kIncarnation,
                   "this shard belongs to another start of the job");
  const uint32_t flags = header.op == Op::kPull ? kPullSpeculative | kPullReadOnly : 0;
  if ((header.flags & ~flags) != 0)
    return refused(StatusCode::kBadMessage, RefusalReason::kOther,
                   "flags " + std::to_string(header.flags) + " are not all known");
  if (header.op != Op::kPull && header.op != Op::kPush) return true;
  if (header.status != StatusCode::kOk)
    return refused(StatusCode::kBadMessage, RefusalReason::kOther, "a request has status ok");
  if (header.worker >= options_.workers)
    return refused(
        StatusCode::kBadMessage, RefusalReason::kOther,
        "worker " + std::to_string(header.worker) + " of " + std::to_string(options_.workers));
  if (header.map_version != options_.slots.version)
    return refused(StatusCode::kWrongMap, RefusalReason::kMapVersion,
                   "slot map " + std::to_string(header.map_version) + ", this shard has " +
                       std::to_string(options_.slots.version));
  if (header.step > kStepMax)
    return refused(StatusCode::kBadMessage, RefusalReason::kOther,
                   "step " + std::to_string(header.step) + " is too large");
  return true;
}

bool Shard::validate_rows(const Request& from, const Message& message) {
  uint64_t keys = 0, value_bytes = 0;
  for (const TableEntry& entry : message.directory) {
    if (entry.table >= rows_->tables() || entry.dim != rows_->dim(entry.table)) {
      refuse(from, StatusCode::kBadMessage, RefusalReason::kWrongTable,
             "no table " + std::to_string(entry.table) + " of dim " + std::to_string(entry.dim));
      return false;
    }
    keys += entry.count;
    value_bytes += uint64_t{entry.count} * entry.dim * size_of(entry.dtype);
  }
  // The parser lets replies through as well: those have values where a request has none.
  const bool reply =
      keys != message.key_count() ||
      (message.values.size() > 0 && (message.directory.empty() || message.header.op == Op::kPull));
  if (reply) {
    refuse(from, StatusCode::kBadMessage, RefusalReason::kMalformed, "a reply, not a request");
    return false;
  }
  // A pull is small beside its answer, which no peer would take.
  if (value_bytes > uint64_t{kMessageBytesMax}) {
    refuse(from, StatusCode::kBadMessage, RefusalReason::kOther,
           "rows of " + std::to_string(value_bytes) + " bytes, more than a message may have");
    return false;
  }
  if (slots_ == SlotRange{}) return true;
  for (size_t i = 0; i < message.key_count(); ++i) {
    if (slots_.contains(slot_of(message.key(i)))) continue;
    refuse(from, StatusCode::kWrongMap, RefusalReason::kMapVersion,
           "slot " + std::to_string(slot_of(message.key(i))) + " is not of this shard");
    return false;
  }
  return true;
}

void Shard::refuse(const Request& to, StatusCode status, RefusalReason reason,
                   const std::string& why) {
  metrics_.refused(reason).Increment();
  reply(to, status, "shard " + std::to_string(options_.shard) + ": " + why);
}

void Shard::reply(const Request& to, StatusCode status, std::string_view text) {
  send(to, text_reply(to.header, status, text));
}

void Shard::send(const Request& to, Message message) {
  message.header.server_run = options_.server_run;
  environment_.outbox.send(to.peer, std::move(message), to.arrival);
}

void Shard::answer_ping(const Request& from) {
  nlohmann::json pong = {{"applied_step", assembler_.applied_step()},
                         {"missing", assembler_.missing()}};
  // Tells a client that this shard, started again, has lost a push which it had acknowledged.
  if (from.header.worker < options_.workers)
    pong["accepted"] = assembler_.expected_sequence(from.header.worker) - 1;
  reply(from, StatusCode::kOk, pong.dump());
}

// In memory and store together.
std::optional<std::vector<uint64_t>> Shard::row_counts() const {
  if (!options_.rows.has_value()) return std::nullopt;
  std::vector<uint64_t> counts = *options_.rows;
  counts.resize(rows_created_.size());
  for (size_t table = 0; table < counts.size(); ++table)
    counts[table] += rows_created_[table] - rows_removed_[table];
  return counts;
}

void Shard::answer_stats(const Request& from) {
  const HotTier& tier = rows_->tier();
  const HotTable::Memory memory = tier.memory();
  const nlohmann::json stats = {
      {"shard", options_.shard},
      {"slots", {slots_.first, slots_.last}},
      {"applied_step", assembler_.applied_step()},
      {"last_lsn", next_lsn_ - 1},
      {"acknowledged_lsn", acknowledged_},
      {"rows_created", rows_created_},
      {"rows_removed", rows_removed_},
      {"keys_refused", static_cast<uint64_t>(metrics_.keys_refused.Value())},
      {"pushes_waiting", waiting_pushes_.size()},
      {"hot_rows", tier.rows()},
      {"hot_bytes", tier.bytes()},
      {"hot_bytes_max", tier.hot_bytes()},
      {"hot_overhead_bytes_per_row", memory.overhead_per_row()},
      {"hot_slack_bytes", memory.slack},
      {"hot_growth_bytes", memory.growth},
      {"dirty_bytes", tier.dirty_bytes()},
      {"evicted_rows", tier.evicted_rows()},
      {"log_bytes", environment_.log.bytes()},
      {"deferred_pulls", deferred_pulls_.size()},
      {"pulls_waiting_for_room", waiting_for_room_.size()},
      {"reads_under_way", reads_.under_way()},
      {"flushes", flushes_ended_},
      {"rows_written_back", write_back_.rows_saved()},
      {"gradients_not_finite", static_cast<uint64_t>(metrics_.gradients_not_finite.Value())},
      {"pull_rows", static_cast<uint64_t>(metrics_.pull_rows.Value())},
      {"pull_rows_unchanged", static_cast<uint64_t>(metrics_.pull_rows_unchanged.Value())},
      {"push_rows", static_cast<uint64_t>(metrics_.push_rows.Value())},
      {"rows_read_ahead", rows_read_ahead_},
      {"cold_reads", static_cast<uint64_t>(metrics_.cold_reads.Value())},
      {"duplicates_dropped", static_cast<uint64_t>(metrics_.duplicates_dropped.Value())},
      {"losses", nlohmann::json::parse(options_.losses)},
  };
  reply(from, StatusCode::kOk, stats.dump());
}

void Shard::on_logged(Result<Lsn> acknowledged) {
  if (failure_.has_value()) return;
  if (!acknowledged.ok()) return fail(acknowledged.error());
  acknowledged_ = std::max(acknowledged_, acknowledged.value());
  acknowledge_pushes();
  while (!bases_.empty() && bases_.front().lsn <= acknowledged_) {
    fault_point("shard.replay_start_acknowledged");
    environment_.log.cut(bases_.front().replay_after);
    drop_filters(bases_.front().replay_after);
    bases_.pop_front();
  }
  release_pulls();
  advance_checkpoint();
  // At this moment most rows are acknowledged, so a flush that waits for some gets on.
  work_on_flush();
}

bool Shard::on_tick() {
  if (failure_.has_value()) return false;
  start_flush_if_due();
  HotTier& tier = rows_->tier();
  const bool growing = tier.grow_on();
  const bool more = work_on_flush() || growing;
  tier.make_room(0, assembler_.applied_step());
  release_waiting_pushes();
  metrics_.hot_tier_rows.Set(static_cast<double>(tier.rows()));
  metrics_.hot_tier_bytes.Set(static_cast<double>(tier.bytes()));
  const uint64_t most = tier.hot_bytes();
  metrics_.hot_tier_excess_bytes.Set(static_cast<double>(std::max(tier.bytes(), most) - most));
  const HotTable::Memory memory = tier.memory();
  metrics_.hot_tier_overhead_bytes_per_row.Set(memory.overhead_per_row());
  metrics_.hot_tier_slack_bytes.Set(static_cast<double>(memory.slack));
  metrics_.hot_tier_growth_bytes.Set(static_cast<double>(memory.growth));
  metrics_.log_bytes.Set(static_cast<double>(environment_.log.bytes()));
  metrics_.lsn.Set(static_cast<double>(next_lsn_ - 1));
  return more;
}

// Whoever waits learns why nothing more will come.
void Shard::fail(const Error& error) {
  if (failure_.has_value()) return;
  failure_ = Error{error.code, "shard " + std::to_string(options_.shard) + ": " + error.message};
  for (const PullPointer& pull : deferred_pulls_)
    reply(pull->from, StatusCode::kFailed, failure_->message);
  for (const PullPointer& pull : waiting_for_room_)
    reply(pull->from, StatusCode::kFailed, failure_->message);
  for (const auto& [from, message] : waiting_pushes_)
    reply(from, StatusCode::kFailed, failure_->message);
  for (const Unacknowledged& push : unacknowledged_)
    reply(push.from, StatusCode::kFailed, failure_->message);
  if (checkpoint_.has_value()) reply(checkpoint_->from, StatusCode::kFailed, failure_->message);
  deferred_pulls_.clear();
  waiting_pushes_.clear();
  waiting_for_room_.clear();
  unacknowledged_.clear();
  checkpoint_.reset();
  environment_.failed(*failure_);
}

}  // namespace cairn
