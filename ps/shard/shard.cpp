#include "ps/shard/shard.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/check.h"
#include "common/wire/replies.h"

namespace cairn::ps {

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
      environment_(std::move(environment)),
      metrics_(environment_.metrics),
      rows_(std::move(from.rows)),
      assembler_(std::move(from.assembler)),
      clock_{.applied_step = assembler_.applied_step(),
             .commit_lsn = options_.next_lsn - 1,
             .acknowledged_lsn = options_.next_lsn - 1},
      removes_rows_(std::ranges::any_of(options_.tables, removes_rows)),
      writer_(environment_.log, options_.next_lsn),
      replies_(environment_.outbox, metrics_, options_.shard, options_.server_run),
      consistency_(clock_, assembler_, removes_rows_),
      validator_({.incarnation = options_.incarnation,
                  .workers = options_.workers,
                  .map_version = options_.slots.version,
                  .slots = options_.slots.range_of(options_.shard)},
                 *rows_, replies_),
      changes_(*rows_, environment_.changes),
      reads_(
          environment_.store, environment_.post,
          [this](const std::vector<RowKey>& keys, const RowBatch& found, uint32_t pin) {
            // The step it was for may have been applied since: then nothing waits for the rows.
            rows_->install(keys, found, pin > clock_.applied_step ? pin : 0);
          },
          [this](std::vector<RowKey>& keys) { rows_->erase_present(keys); },
          [this](const Error& error) { fail(error); }),
      flush_(options_.slots.range_of(options_.shard), options_.log_bytes_max,
             {.rows = *rows_,
              .store = environment_.store,
              .log = environment_.log,
              .writer = writer_,
              .clock = clock_,
              .assembler = assembler_,
              .metrics = metrics_,
              .post = environment_.post,
              .failure = failure_,
              .fail = [this](const Error& error) { fail(error); },
              .ended = [this] { flush_ended(); }}),
      pulls_(options_.workers, {.rows = *rows_,
                                .store = environment_.store,
                                .reads = reads_,
                                .flush = flush_,
                                .replies = replies_,
                                .consistency = consistency_,
                                .clock = clock_,
                                .metrics = metrics_,
                                .failure = failure_}),
      steps_(options_.workers, {.rows = *rows_,
                                .store = environment_.store,
                                .reads = reads_,
                                .writer = writer_,
                                .flush = flush_,
                                .replies = replies_,
                                .validator = validator_,
                                .assembler = assembler_,
                                .changes = changes_,
                                .consistency = consistency_,
                                .clock = clock_,
                                .metrics = metrics_,
                                .failure = failure_,
                                .is_held = [this] { return checkpoint_.holds_steps(); },
                                .applied = [this](Lsn commit) { step_applied(commit); }}),
      removal_(options_.slots.range_of(options_.shard), options_.removal_period,
               {.rows = *rows_,
                .store = environment_.store,
                .reads = reads_,
                .writer = writer_,
                .changes = changes_,
                .clock = clock_,
                .metrics = metrics_,
                .post = environment_.post,
                .failure = failure_,
                .fail = [this](const Error& error) { fail(error); },
                .over = [this](std::optional<Lsn> removed) { removal_over(removed); },
                .go_on =
                    [this] {
                      steps_.apply();
                      steps_.release_waiting();
                    }}),
      checkpoint_(options_.slots.range_of(options_.shard),
                  {.rows = *rows_,
                   .store = environment_.store,
                   .flush = flush_,
                   .replies = replies_,
                   .clock = clock_,
                   .metrics = metrics_,
                   .post = environment_.post,
                   .failure = failure_,
                   .applying = [this] { return steps_.applying(); },
                   .row_counts = [this] { return row_counts(); },
                   .over = [this] { steps_.apply(); }}) {
  // After a recovery the rows changed since its replay start are dirty still, so it is said again.
  flush_.log_replay_start(from.replay_after, std::move(from.sequences));
  metrics_.applied_step.Set(static_cast<double>(clock_.applied_step));
  changes_.begin(clock_.applied_step);
  if (!removes_rows_) return;
  clock_.step_is_over = false;
  removal_.prepare(clock_.applied_step);
  removal_.step_applied();
}

Shard::~Shard() = default;

void Shard::on_message(const Peer& peer, Message message, Arrival arrival) {
  Request from{peer, message.header, arrival};
  if (failure_.has_value()) return replies_.text(from, StatusCode::kFailed, failure_->message);
  if (!validator_.validate_header(from, message)) return;
  switch (message.header.op) {
    case Op::kPull:
      if (!validator_.validate_rows(from, message)) return;
      return pulls_.on_pull(std::move(from), std::move(message));
    case Op::kPush:
      return steps_.on_push(std::move(from), std::move(message));
    case Op::kPing:
      return answer_ping(from);
    case Op::kStats:
      return answer_stats(from);
    case Op::kCheckpoint:
      return checkpoint_.on_request(std::move(from), message);
  }
}

void Shard::on_bad_message(const Peer& peer, const zmq::message_t& first_part, const Error& why,
                           Arrival arrival) {
  const Request from{peer, header_of(first_part), arrival};
  const bool other_version = from.header.magic == kWireMagic && from.header.version != kWireVersion;
  replies_.refuse(from, StatusCode::kBadMessage,
                  other_version ? RefusalReason::kVersion : RefusalReason::kMalformed, why.message);
}

void Shard::step_applied(Lsn commit) {
  clock_.commit_lsn = commit;
  clock_.applied_step = assembler_.applied_step();
  rows_->drop_placeholders(clock_.applied_step);
  rows_->tier().make_room(0, clock_.applied_step);
  metrics_.applied_step.Set(static_cast<double>(clock_.applied_step));
  if (!removes_rows_) return step_over();
  clock_.step_is_over = false;
  removal_.step_applied();
}

void Shard::removal_over(std::optional<Lsn> removed) {
  // The next pulls see what was removed, so it is logged before they are answered.
  if (removed.has_value()) clock_.commit_lsn = *removed;
  clock_.step_is_over = true;
  step_over();
}

void Shard::step_over() {
  changes_.step_over(clock_.applied_step, clock_.commit_lsn);
  pulls_.release();
  flush_.start_if_due();
  checkpoint_.advance();
}

void Shard::flush_ended() {
  rows_->tier().make_room(0, clock_.applied_step);
  pulls_.release_waiting_for_room();
  checkpoint_.advance();
}

void Shard::answer_ping(const Request& from) {
  Pong pong{.applied_step = clock_.applied_step, .missing = assembler_.missing()};
  // Tells a client that this shard, started again, has lost a push which it had acknowledged.
  if (from.header.worker < options_.workers)
    pong.accepted = assembler_.expected_sequence(from.header.worker) - 1;
  replies_.text(from, StatusCode::kOk, to_json(pong));
}

// In memory and store together.
std::optional<std::vector<uint64_t>> Shard::row_counts() const {
  if (!options_.rows.has_value()) return std::nullopt;
  std::vector<uint64_t> counts = *options_.rows;
  counts.resize(steps_.rows_created().size());
  for (size_t table = 0; table < counts.size(); ++table)
    counts[table] += steps_.rows_created()[table] - removal_.rows_removed()[table];
  return counts;
}

void Shard::answer_stats(const Request& from) {
  const HotTier& tier = rows_->tier();
  const HotTable::Memory memory = tier.memory();
  const SlotRange slots = options_.slots.range_of(options_.shard);
  const nlohmann::json stats = {
      {"shard", options_.shard},
      {"slots", {slots.first, slots.last}},
      {"applied_step", assembler_.applied_step()},
      {"last_lsn", writer_.next_lsn() - 1},
      {"acknowledged_lsn", clock_.acknowledged_lsn},
      {"rows_created", steps_.rows_created()},
      {"rows_removed", removal_.rows_removed()},
      {"keys_refused", static_cast<uint64_t>(metrics_.keys_refused.Value())},
      {"pushes_waiting", steps_.waiting()},
      {"hot_rows", tier.rows()},
      {"hot_bytes", tier.bytes()},
      {"hot_bytes_max", tier.hot_bytes()},
      {"hot_overhead_bytes_per_row", memory.overhead_per_row()},
      {"hot_slack_bytes", memory.slack},
      {"hot_growth_bytes", memory.growth},
      {"dirty_bytes", tier.dirty_bytes()},
      {"evicted_rows", tier.evicted_rows()},
      {"log_bytes", environment_.log.bytes()},
      {"deferred_pulls", pulls_.deferred()},
      {"pulls_waiting_for_room", pulls_.waiting_for_room()},
      {"reads_under_way", reads_.under_way()},
      {"flushes", flush_.ended()},
      {"rows_written_back", flush_.rows_saved()},
      {"gradients_not_finite", static_cast<uint64_t>(metrics_.gradients_not_finite.Value())},
      {"pull_rows", static_cast<uint64_t>(metrics_.pull_rows.Value())},
      {"pull_rows_unchanged", static_cast<uint64_t>(metrics_.pull_rows_unchanged.Value())},
      {"push_rows", static_cast<uint64_t>(metrics_.push_rows.Value())},
      {"rows_read_ahead", pulls_.rows_read_ahead()},
      {"cold_reads", static_cast<uint64_t>(metrics_.cold_reads.Value())},
      {"duplicates_dropped", static_cast<uint64_t>(metrics_.duplicates_dropped.Value())},
      {"losses", nlohmann::json::parse(options_.losses)},
  };
  replies_.text(from, StatusCode::kOk, stats.dump());
}

void Shard::on_logged(Result<Lsn> acknowledged) {
  if (failure_.has_value()) return;
  if (!acknowledged.ok()) return fail(acknowledged.error());
  clock_.acknowledged_lsn = std::max(clock_.acknowledged_lsn, acknowledged.value());
  steps_.acknowledge();
  flush_.on_logged();
  pulls_.release();
  checkpoint_.advance();
  // At this moment most rows are acknowledged, so a flush that waits for some gets on.
  flush_.work();
}

bool Shard::on_tick() {
  if (failure_.has_value()) return false;
  flush_.start_if_due();
  HotTier& tier = rows_->tier();
  const bool growing = tier.grow_on();
  const bool more = flush_.work() || growing;
  tier.make_room(0, clock_.applied_step);
  steps_.release_waiting();
  metrics_.hot_tier_rows.Set(static_cast<double>(tier.rows()));
  metrics_.hot_tier_bytes.Set(static_cast<double>(tier.bytes()));
  const uint64_t most = tier.hot_bytes();
  metrics_.hot_tier_excess_bytes.Set(static_cast<double>(std::max(tier.bytes(), most) - most));
  const HotTable::Memory memory = tier.memory();
  metrics_.hot_tier_overhead_bytes_per_row.Set(memory.overhead_per_row());
  metrics_.hot_tier_slack_bytes.Set(static_cast<double>(memory.slack));
  metrics_.hot_tier_growth_bytes.Set(static_cast<double>(memory.growth));
  metrics_.log_bytes.Set(static_cast<double>(environment_.log.bytes()));
  metrics_.lsn.Set(static_cast<double>(writer_.next_lsn() - 1));
  return more;
}

// Whoever waits learns why nothing more will come.
void Shard::fail(const Error& error) {
  if (failure_.has_value()) return;
  failure_ = Error{error.code, "shard " + std::to_string(options_.shard) + ": " + error.message};
  pulls_.refuse_all();
  steps_.refuse_all();
  checkpoint_.refuse();
  environment_.failed(*failure_);
}

}  // namespace cairn::ps
