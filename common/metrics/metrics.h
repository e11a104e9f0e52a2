// The metrics that a process tells Prometheus. The code paths see plain handles: a shard holds its
// ShardMetrics and writes `metrics.pull_rows.Increment(n)`, a worker its WorkerMetrics.
//
// To add a metric, add a member. Its initialiser registers the metric, with name and HELP. Names
// follow Prometheus: prefix cairn_, base units, _total on counters, ratios from 0 to 1. Labels are
// bounded: shard, worker, task and reasons from an enum; never a key, a host or a message.
//
// Thread safety: any thread may use handles and call `Metrics`. A handle costs an atomic add;
// histograms lock for an instant.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cairn {

// Registers metrics that all carry `labels`. Asking twice for one name and labels gives the same
// metric.
class MetricSource {
 public:
  MetricSource(prometheus::Registry& registry, prometheus::Labels labels);

  MetricSource with(const std::string& label, const std::string& value) const;
  prometheus::Counter& counter(const char* name, const char* help) const;
  prometheus::Gauge& gauge(const char* name, const char* help, double initial = 0.0) const;
  // The buckets go from 10 microseconds to 100 seconds, three per decade.
  prometheus::Histogram& seconds_histogram(const char* name, const char* help) const;

 private:
  prometheus::Registry* registry_;
  prometheus::Labels labels_;
};

// Why a shard refused a message.
enum class RefusalReason : uint8_t {
  kMalformed,    // its bytes make no message
  kVersion,      // of the wire format
  kIncarnation,  // of another start of the job
  kMapVersion,
  kOutOfOrder,  // a push above the next sequence number
  kWrongTable,  // unknown, or of another dim or dtype
  kOther,
};
inline constexpr size_t kRefusalReasons = 7;
std::string_view to_string(RefusalReason reason);

// Why a row was removed.
enum class RemovalReason : uint8_t {
  kUnseen,  // expiry.unseen_steps
  kAge,     // expiry.age_steps
  kNorm,    // expiry.min_norm
  kCap,     // max_rows
};
inline constexpr size_t kExpiryReasons = 3, kRemovalReasons = 4;

// Why a worker sent a request again.
enum class RetryReason : uint8_t { kNewServerRun, kDisconnect, kNoAnswer, kOutOfOrder };
inline constexpr size_t kRetryReasons = 4;
std::string_view to_string(RetryReason reason);

// The metrics of one shard, all with the label `shard`.
struct ShardMetrics {
  explicit ShardMetrics(const MetricSource& source);
  ShardMetrics(const ShardMetrics&) = delete;

  prometheus::Counter& refused(RefusalReason reason) {
    return *refused_[static_cast<size_t>(reason)];
  }
  prometheus::Counter& removed(RemovalReason reason) {
    return reason == RemovalReason::kCap ? keys_evicted : *expired_[static_cast<size_t>(reason)];
  }

 private:
  const MetricSource source_;  // first: the initialisers below use it
  std::array<prometheus::Counter*, kRefusalReasons> refused_;
  std::array<prometheus::Counter*, kExpiryReasons> expired_;

 public:
  prometheus::Histogram& pull_duration_seconds = source_.seconds_histogram(
      "cairn_pull_duration_seconds", "From a pull's arrival to its answer.");
  prometheus::Histogram& push_duration_seconds = source_.seconds_histogram(
      "cairn_push_duration_seconds", "From a push's arrival to its acknowledgement.");
  prometheus::Counter& pull_rows =
      source_.counter("cairn_pull_rows_total", "Rows answered to pulls.");
  prometheus::Counter& pull_rows_unchanged =
      source_.counter("cairn_pull_rows_unchanged_total",
                      "Of the rows answered to pulls, those that had not changed since the worker "
                      "asked before, and for which a bit was sent.");
  prometheus::Counter& push_rows =
      source_.counter("cairn_push_rows_total", "Row gradients accepted from pushes.");
  prometheus::Counter& received_bytes =
      source_.counter("cairn_received_bytes_total", "Bytes of messages received.");
  prometheus::Counter& sent_bytes =
      source_.counter("cairn_sent_bytes_total", "Bytes of messages sent.");
  prometheus::Counter& rows_created =
      source_.counter("cairn_rows_created_total", "Rows that a push created.");
  prometheus::Counter& keys_admitted = source_.counter(
      "cairn_keys_admitted_total", "Keys that got a row in tables whose admission refuses some.");
  prometheus::Counter& keys_refused = source_.counter(
      "cairn_keys_refused_total",
      "Keys of pushes that were not admitted: they have no row, and their gradients are dropped.");
  prometheus::Counter& keys_evicted = source_.counter(
      "cairn_keys_evicted_total", "Rows that were removed because their table exceeded max_rows.");
  prometheus::Counter& gradients_not_finite =
      source_.counter("cairn_gradients_not_finite_total",
                      "Row gradients with a NaN or infinity, which left their rows untouched.");
  prometheus::Counter& duplicates_dropped = source_.counter(
      "cairn_duplicates_dropped_total", "Pushes that came again and were not applied again.");
  prometheus::Gauge& hot_tier_rows = source_.gauge("cairn_hot_tier_rows", "Rows held in memory.");
  prometheus::Gauge& hot_tier_bytes =
      source_.gauge("cairn_hot_tier_bytes", "Memory that the hot tier takes.");
  prometheus::Gauge& hot_tier_excess_bytes =
      source_.gauge("cairn_hot_tier_excess_bytes",
                    "Memory that the hot tier takes beyond hot_bytes, for rows it cannot evict.");
  prometheus::Gauge& hot_tier_overhead_bytes_per_row = source_.gauge(
      "cairn_hot_tier_overhead_bytes_per_row",
      "Bytes of a row in memory beside its floats: key, log numbers, its share of the index.");
  prometheus::Gauge& hot_tier_slack_bytes =
      source_.gauge("cairn_hot_tier_slack_bytes",
                    "Padding of rows, and memory of rows that went, which rows to come will take.");
  prometheus::Gauge& hot_tier_growth_bytes =
      source_.gauge("cairn_hot_tier_growth_bytes",
                    "The smaller copies of indexes that are growing; in hot_tier_bytes.");
  prometheus::Counter& cold_reads =
      source_.counter("cairn_cold_reads_total", "Rows looked for in the store on disk.");
  prometheus::Counter& log_written_bytes =
      source_.counter("cairn_log_written_bytes_total", "Bytes appended to the push log.");
  prometheus::Counter& pushes_held_back =
      source_.counter("cairn_pushes_held_back_total",
                      "Pushes that waited because the log was full and rows not yet written back.");
  prometheus::Gauge& log_bytes =
      source_.gauge("cairn_log_bytes", "Bytes of the push log that a recovery would need to read.");
  prometheus::Gauge& lsn =
      source_.gauge("cairn_log_sequence_number", "The last log sequence number that was given.");
  prometheus::Gauge& applied_step =
      source_.gauge("cairn_applied_step", "The last step whose pushes are applied.");
  prometheus::Gauge& staleness_steps = source_.gauge(
      "cairn_staleness_steps", "Steps whose pushes the last answered pull had not seen.");
  prometheus::Counter& write_back_rows =
      source_.counter("cairn_write_back_rows_total", "Dirty rows written to the store on disk.");
  prometheus::Counter& write_back_bytes = source_.counter(
      "cairn_write_back_bytes_total", "Bytes of rows written to the store on disk.");
  prometheus::Counter& checkpoints =
      source_.counter("cairn_checkpoints_total", "Checkpoints that this shard completed.");
  prometheus::Gauge& recovery_seconds =
      source_.gauge("cairn_recovery_seconds",
                    "Time that the recovery took which this shard started with; 0: none.");
  prometheus::Gauge& recovery_rows = source_.gauge(
      "cairn_recovery_rows", "Row gradients that this shard's recovery replayed from its log.");
  prometheus::Counter& recovery_lost_records = source_.counter(
      "cairn_recovery_lost_records_total", "Log records that a recovery could not bring back.");
  prometheus::Counter& recovery_lost_gradients = source_.counter(
      "cairn_recovery_lost_gradients_total",
      "Row gradients of lost log records, as far as those records can still be read.");
  prometheus::Counter& recovery_lost_slots =
      source_.counter("cairn_recovery_lost_slots_total",
                      "Slots whose rows in the store a recovery could not bring back.");
};

// The metrics of the shards of a process.
class ServerMetrics {
 public:
  explicit ServerMetrics(const MetricSource& source) : source_(source) {}

  // Registered on the first call for a shard; the reference lives as long as this object.
  ShardMetrics& shard(uint32_t shard);

 private:
  const MetricSource source_;
  std::mutex mutex_;
  std::map<uint32_t, ShardMetrics> shards_;
};

// The metrics of one task of a worker, with labels `worker` and `task`. NaN until there is a value.
struct TaskMetrics {
  explicit TaskMetrics(const MetricSource& source);
  TaskMetrics(const TaskMetrics&) = delete;

  prometheus::Gauge& loss;
  prometheus::Gauge& evaluation_auc;
  prometheus::Gauge& evaluation_logloss;
  prometheus::Gauge& evaluation_rmse;
};

// The metrics of one worker, all with the label `worker`.
struct WorkerMetrics {
  WorkerMetrics(const MetricSource& source, std::span<const std::string> task_names);
  WorkerMetrics(const WorkerMetrics&) = delete;

  prometheus::Counter& retries(RetryReason reason) {
    return *retries_[static_cast<size_t>(reason)];
  }

 private:
  const MetricSource source_;  // first: the initialisers below use it
  std::array<prometheus::Counter*, kRetryReasons> retries_;

 public:
  std::list<TaskMetrics> tasks;  // in the job's order

  prometheus::Counter& train_samples =
      source_.counter("cairn_train_samples_total", "Samples that this worker trained on.");
  prometheus::Gauge& train_step = source_.gauge("cairn_train_step", "The last finished step.");
  prometheus::Histogram& pull_wait_seconds = source_.seconds_histogram(
      "cairn_pull_wait_seconds", "Time that a step waited for the rows it pulled.");
  prometheus::Histogram& push_wait_seconds = source_.seconds_histogram(
      "cairn_push_wait_seconds", "Time that a step waited for room to push.");
  prometheus::Gauge& unique_key_ratio = source_.gauge(
      "cairn_unique_key_ratio", "Unique keys over key occurrences of the last batch.");
  prometheus::Counter& row_cache_hits = source_.counter(
      "cairn_row_cache_hits_total",
      "Rows that an evaluation or prediction had in its cache and did not ask for.");
  prometheus::Counter& row_cache_confirmed = source_.counter(
      "cairn_row_cache_confirmed_total",
      "Rows that it had in its cache and that a shard said have not changed since.");
  prometheus::Counter& row_cache_misses =
      source_.counter("cairn_row_cache_misses_total", "Rows that it pulled, all others.");
  prometheus::Counter& bad_samples =
      source_.counter("cairn_bad_samples_total", "Samples of the input that could not be read.");
  prometheus::Gauge& staleness_steps = source_.gauge(
      "cairn_worker_staleness_steps", "Steps that the rows of the last step had not seen.");
  prometheus::Gauge& prefetch_depth =
      source_.gauge("cairn_prefetch_depth", "Batches whose rows are asked for ahead of the step.");
  prometheus::Gauge& checkpoint_last_success =
      source_.gauge("cairn_checkpoint_last_success_timestamp_seconds",
                    "Unix time of the last checkpoint that was committed; 0 before the first.");
  prometheus::Counter& lost_pushes =
      source_.counter("cairn_lost_pushes_total",
                      "Pushes of this worker that a shard had acknowledged and lost; replaced by "
                      "empty ones (ps.recovery: report).");
  prometheus::Counter& restarts = source_.counter(
      "cairn_restarts_total", "Times that the job was started again from a checkpoint.");
};

// All metrics of a process: its shards', its workers' (both, in a local run), and build_info.
class Metrics {
 public:
  explicit Metrics(const std::string& version);

  ServerMetrics& server() { return server_; }

  // Registered on the first call for a rank; the reference lives as long as this object.
  WorkerMetrics& worker(uint32_t rank, std::span<const std::string> task_names);

  // A source for metrics that belong to neither server nor worker.
  MetricSource process() { return {registry_, {}}; }

  // The text format that Prometheus reads. A renamed metric appears under its old name too, for one
  // version.
  std::string exposition() const;

 private:
  prometheus::Registry registry_;
  ServerMetrics server_;
  std::mutex mutex_;
  std::map<uint32_t, WorkerMetrics> workers_;
};

}  // namespace cairn
