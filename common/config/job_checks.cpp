#include "common/config/job_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "common/hash.h"
#include "common/net/address.h"

namespace cairn {
namespace {

void check_counts(const JobConfig& job, const Validate& validate) {
  const uint32_t readers = job.data.readers, workers = job.train.workers;
  if (validate.sound({"data.readers", "train.workers"}) && readers < workers)
    validate.report({"data", "readers"}, fmt::format("{} readers for {} workers", readers, workers),
                    "want at least as many readers as workers");
  if (validate.sound({"data.readers", "train.batch_size"}) && job.train.batch_size < readers)
    validate.report({"train", "batch_size"},
                    fmt::format("{} rows for {} readers", job.train.batch_size, readers),
                    "want at least one row per reader: raise batch_size or lower data.readers");
  if (validate.sound({"data.readers", "eval.batch_size"}) && job.eval.batch_size < readers)
    validate.report({"eval", "batch_size"},
                    fmt::format("{} rows for {} readers", job.eval.batch_size, readers),
                    "want at least one row per reader: raise batch_size or lower data.readers");
  if (validate.sound({"ps.servers", "ps.shards_per_server"}) && job.shards() > kSlots)
    validate.report({"ps", "shards_per_server"}, fmt::format("{} shards in all", job.shards()),
                    fmt::format("want at most {}, the number of slots", kSlots));
  const uint32_t ranks = job.ps.servers + workers;
  if (validate.sound({"metrics.port", "ps.servers", "train.workers"}) && job.metrics.port != 0 &&
      job.metrics.port + ranks - 1 > 65'535)
    validate.report(
        {"metrics", "port"},
        fmt::format("{} processes from port {} on exceed 65535", ranks, job.metrics.port),
        fmt::format("want at most {}, or 0 for ports chosen by the system", 65'536 - ranks));
}

void check_addresses(const JobConfig& job, const Validate& validate) {
  if (validate.sound({"ps.address", "ps.allow_insecure"}) && !is_loopback(job.ps.address) &&
      !job.ps.allow_insecure)
    validate.report({"ps", "address"},
                    fmt::format("{} is not on loopback, and endpoints are neither encrypted nor "
                                "authenticated",
                                job.ps.address),
                    "set ps.allow_insecure: true on a network that you trust");
  if (!validate.sound({"metrics.address", "ps.allow_insecure"})) return;
  const std::string& metrics = job.metrics.address;
  if (!is_ip_address(metrics))
    validate.report({"metrics", "address"}, fmt::format("'{}' is not an IP address", metrics),
                    "want digits, as in 127.0.0.1 or ::1");
  else if (job.metrics.enabled && !is_loopback(metrics) && !job.ps.allow_insecure)
    validate.report({"metrics", "address"},
                    fmt::format("{} is not on loopback, and metrics are neither encrypted nor "
                                "authenticated",
                                metrics),
                    "set ps.allow_insecure: true on a network that you trust");
}

// Names of the columns, where the job file knows them.
void check_columns(const JobConfig& job, const std::vector<size_t>& entries,
                   const Validate& validate) {
  const std::vector<std::string>& columns = job.data.columns;
  if (!validate.sound({"data"})) return;
  if (!job.data.header && columns.empty())
    return validate.report({"data", "columns"}, "required key is missing",
                           "name the columns of files without a header");
  if (std::set<std::string>(columns.begin(), columns.end()).size() < columns.size())
    validate.report({"data", "columns"}, "a column is given twice",
                    "give each column its own name");

  const std::set<std::string> known(columns.begin(), columns.end());
  std::map<std::string, std::string> labels;  // to the task
  for (size_t i = 0; i < job.model.tasks.size(); ++i) {
    const TaskConfig& task = job.model.tasks[i];
    labels.emplace(task.column, task.name);
    const std::string number = std::to_string(i);
    if (!columns.empty() && !task.column.empty() && !known.contains(task.column))
      validate.report({"model", "tasks", number, "label"},
                      fmt::format("there is no column '{}'", task.column),
                      suggest(task.column, columns));
    if (!columns.empty() && !task.sample_weight.empty() && !known.contains(task.sample_weight))
      validate.report({"model", "tasks", number, "sample_weight"},
                      fmt::format("there is no column '{}'", task.sample_weight),
                      suggest(task.sample_weight, columns));
  }
  for (size_t i = 0; i < job.features.size(); ++i) {
    const FeatureConfig& feature = job.features[i];
    const std::string number = std::to_string(entries[i]);
    for (const std::string& column : feature.columns) {
      // The key that names the column in the file.
      std::string_view key = "names";
      for (const std::string_view candidate : {"name", "columns", "column"})
        if (find(validate.root, {"features", number, candidate})) key = candidate;
      if (!columns.empty() && !known.contains(column))
        validate.report({"features", number, key}, fmt::format("there is no column '{}'", column),
                        suggest(column, columns));
      if (const auto label = labels.find(column); label != labels.end())
        validate.report({"features", number, key},
                        fmt::format("column '{}' is the label of task '{}'", column, label->second),
                        "remove it: the model would see the answer");
    }
  }
}

void check_tasks(const JobConfig& job, const Validate& validate) {
  if (job.model.tasks.size() > kTasksMax)
    validate.report({"model", "tasks"},
                    fmt::format("{} tasks are too many", job.model.tasks.size()),
                    fmt::format("at most {}", kTasksMax));
  std::map<std::string, size_t> names;
  for (size_t i = 0; i < job.model.tasks.size(); ++i) {
    const TaskConfig& task = job.model.tasks[i];
    const std::string number = std::to_string(i);
    if (task.name.empty()) continue;
    const auto [first, is_new] = names.emplace(task.name, i);
    if (!is_new)
      validate.report({"model", "tasks", number, "name"},
                      fmt::format("task '{}' is given twice", task.name),
                      fmt::format("the first is model.tasks.{}", first->second));
  }
}

void check_products(const JobConfig& job, const Validate& validate) {
  if (!validate.sound({"model"})) return;
  std::vector<std::string> factors;
  for (const TaskConfig& task : job.model.tasks)
    if (task.product.empty() && is_binary(task.loss)) factors.push_back(task.name);
  for (size_t i = 0; i < job.model.tasks.size(); ++i)
    for (const std::string& name : job.model.tasks[i].product)
      if (std::find(factors.begin(), factors.end(), name) == factors.end())
        validate.report({"model", "tasks", std::to_string(i), "product"},
                        fmt::format("'{}' is no task of 0/1 labels that has a tower", name),
                        factors.empty() ? "leave product out" : suggest(name, factors));
}

void check_head(const JobConfig& job, const Validate& validate) {
  if (validate.sound({"model.head"}) && job.model.head != Head::kSharedBottom &&
      job.model.expert_units.empty())
    validate.report({"model", "head", "units"}, "an expert has no layer",
                    "give at least one width, as [64]");
}

// A slot's share of the keys is random: around 64 rows per slot its deviation is 8, an eighth.
// Below that, full slots would lose rows while the table is far from its cap.
void check_caps(const JobConfig& job, const Validate& validate) {
  constexpr uint64_t kRowsMin = 64 * uint64_t{kSlots};
  const auto report = [&](YamlPath path, uint64_t rows) {
    validate.report(
        path, fmt::format("{} rows are too few for a cap", rows),
        fmt::format("want at least {}, 64 in each of {} slots: the cap is kept in every "
                    "slot alone, and slots fill unevenly",
                    kRowsMin, kSlots));
  };
  bool default_reported = false;
  for (const TableConfig& table : job.tables) {
    if (table.max_rows == 0 || table.max_rows >= kRowsMin) continue;
    if (find(validate.root, {"ps", "tables", table.name, "max_rows"}) != nullptr)
      report({"ps", "tables", table.name, "max_rows"}, table.max_rows);
    else if (!std::exchange(default_reported, true))
      report({"ps", "max_rows"}, table.max_rows);
  }
}

void check_eval(const JobConfig& job, const Validate& validate) {
  const std::string& monitor = job.eval.monitor;
  if (!validate.sound({"eval", "model", "data.eval"})) return;
  if (job.eval.patience > 0 && monitor.empty())
    validate.report({"eval", "patience"}, "there is no figure to watch",
                    "set eval.monitor, as task.auc");
  if (monitor.empty()) return;
  if (job.data.eval.empty())
    validate.report({"eval", "monitor"}, "there is no evaluation data", "set data.eval");
  std::vector<std::string> known;
  for (const TaskConfig& task : job.model.tasks) {
    if (!is_binary(task.loss)) {
      known.push_back(task.name + ".rmse");
    } else {
      known.push_back(task.name + ".auc");
      known.push_back(task.name + ".logloss");
    }
  }
  if (std::find(known.begin(), known.end(), monitor) == known.end())
    validate.report({"eval", "monitor"}, fmt::format("there is no figure '{}'", monitor),
                    suggest(monitor, known));
}

}  // namespace

void check_job(const JobConfig& job, const std::vector<size_t>& entries, const Validate& validate) {
  check_counts(job, validate);
  check_addresses(job, validate);
  check_columns(job, entries, validate);
  check_tasks(job, validate);
  check_products(job, validate);
  check_head(job, validate);
  check_caps(job, validate);
  check_eval(job, validate);
}

}  // namespace cairn
