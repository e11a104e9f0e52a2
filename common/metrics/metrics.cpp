#include "common/metrics/metrics.h"

#include <prometheus/text_serializer.h>

#include <limits>
#include <utility>

#include "common/check.h"

namespace cairn {
namespace {

constexpr double kNotYet = std::numeric_limits<double>::quiet_NaN();

const prometheus::Histogram::BucketBoundaries kSecondsBuckets = {
    1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2,
    5e-2, 0.1,  0.2,  0.5,  1,    2,    5,    10,   20,   50,   100};

// Metrics that have a new name, and the old one, under which they are shown for this version too.
constexpr std::pair<std::string_view, const char*> kRenamed[] = {
    {"cairn_bad_samples_total", "cairn_bad_rows_total"},
};

constexpr std::array<std::string_view, kRefusalReasons> kRefusalNames = {
    "malformed", "version", "incarnation", "map_version", "out_of_order", "wrong_table", "other"};
constexpr std::array<std::string_view, kExpiryReasons> kExpiryNames = {"unseen", "age", "norm"};
constexpr std::array<std::string_view, kRetryReasons> kRetryNames = {"new_boot", "disconnect",
                                                                     "no_answer", "out_of_order"};

// One counter a reason, all there from the start, so that a rate can be asked for before the first.
template <size_t n>
std::array<prometheus::Counter*, n> counters_by_reason(
    const MetricSource& source, const char* name, const char* help,
    const std::array<std::string_view, n>& reasons) {
  std::array<prometheus::Counter*, n> counters;
  for (size_t i = 0; i < n; ++i)
    counters[i] = &source.with("reason", std::string(reasons[i])).counter(name, help);
  return counters;
}

}  // namespace

MetricSource::MetricSource(prometheus::Registry& registry, prometheus::Labels labels)
    : registry_(&registry), labels_(std::move(labels)) {}

MetricSource MetricSource::with(const std::string& label, const std::string& value) const {
  prometheus::Labels labels = labels_;
  labels[label] = value;
  return {*registry_, std::move(labels)};
}

prometheus::Counter& MetricSource::counter(const char* name, const char* help) const {
  return prometheus::BuildCounter().Name(name).Help(help).Register(*registry_).Add(labels_);
}

prometheus::Gauge& MetricSource::gauge(const char* name, const char* help, double initial) const {
  return prometheus::BuildGauge().Name(name).Help(help).Register(*registry_).Add(labels_, initial);
}

prometheus::Histogram& MetricSource::seconds_histogram(const char* name, const char* help) const {
  return prometheus::BuildHistogram()
      .Name(name)
      .Help(help)
      .Register(*registry_)
      .Add(labels_, kSecondsBuckets);
}

std::string_view to_string(RefusalReason reason) {
  return kRefusalNames.at(static_cast<size_t>(reason));
}

std::string_view to_string(RetryReason reason) {
  return kRetryNames.at(static_cast<size_t>(reason));
}

ShardMetrics::ShardMetrics(const MetricSource& source)
    : source_(source),
      refused_(counters_by_reason(source, "cairn_messages_refused_total",
                                  "Messages that were answered with an error, by reason.",
                                  kRefusalNames)),
      expired_(counters_by_reason(source, "cairn_keys_expired_total",
                                  "Rows that were removed because they expired, by reason.",
                                  kExpiryNames)) {}

ShardMetrics& ServerMetrics::shard(uint32_t shard) {
  const std::lock_guard lock(mutex_);
  return shards_.try_emplace(shard, source_.with("shard", std::to_string(shard))).first->second;
}

TaskMetrics::TaskMetrics(const MetricSource& source)
    : loss(source.gauge("cairn_train_loss", "Mean loss of the last reported steps.", kNotYet)),
      evaluation_auc(source.gauge("cairn_evaluation_auc", "AUC of the last evaluation.", kNotYet)),
      evaluation_logloss(
          source.gauge("cairn_evaluation_logloss", "Logloss of the last evaluation.", kNotYet)),
      evaluation_rmse(
          source.gauge("cairn_evaluation_rmse", "RMSE of the last evaluation.", kNotYet)) {}

WorkerMetrics::WorkerMetrics(const MetricSource& source, std::span<const std::string> task_names)
    : source_(source),
      retries_(counters_by_reason(source, "cairn_retries_total",
                                  "Requests that were sent again, by reason.", kRetryNames)) {
  for (const std::string& name : task_names) tasks.emplace_back(source.with("task", name));
}

Metrics::Metrics(const std::string& version) : server_(process()) {
  process()
      .with("version", version)
      .gauge("cairn_build_info", "Always 1; its labels say what was built.", 1.0);
}

WorkerMetrics& Metrics::worker(uint32_t rank, std::span<const std::string> task_names) {
  const std::lock_guard lock(mutex_);
  WorkerMetrics& worker =
      workers_.try_emplace(rank, process().with("worker", std::to_string(rank)), task_names)
          .first->second;
  check(worker.tasks.size() == task_names.size(), "a worker's tasks do not change");
  return worker;
}

std::string Metrics::exposition() const {
  std::vector<prometheus::MetricFamily> families = registry_.Collect();
  std::vector<prometheus::MetricFamily> renamed;
  for (const prometheus::MetricFamily& family : families)
    for (const auto& [now, formerly] : kRenamed)
      if (family.name == now) {
        prometheus::MetricFamily& old = renamed.emplace_back(family);
        old.name = formerly;
        old.help = "Deprecated: the name of " + family.name + " in the version before.";
      }
  families.insert(families.end(), renamed.begin(), renamed.end());
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace cairn
