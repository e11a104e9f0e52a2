#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "worker/training/run_result.h"
#include "worker/training/text.h"

namespace cairn::training {
namespace {

struct Column {
  const char* title;
  std::function<std::optional<double>(const TaskResult&)> value;
};

const Column kColumns[] = {
    {"AUC", [](const TaskResult& task) { return task.quality.auc; }},
    {"best", [](const TaskResult& task) { return task.best.auc; }},
    {"logloss", [](const TaskResult& task) { return task.quality.logloss; }},
    {"best", [](const TaskResult& task) { return task.best.logloss; }},
    {"RMSE", [](const TaskResult& task) { return task.quality.rmse; }},
    {"best", [](const TaskResult& task) { return task.best.rmse; }},
    {"calibration", [](const TaskResult& task) { return task.quality.calibration; }},
};

bool anyone_has(const RunResult& result, const Column& column) {
  return std::any_of(result.tasks.begin(), result.tasks.end(),
                     [&](const TaskResult& task) { return column.value(task).has_value(); });
}

using Row = std::vector<std::string>;

std::vector<Row> table_rows(const RunResult& result) {
  std::vector<Row> rows = {{"task", "samples"}};
  for (const TaskResult& task : result.tasks)
    rows.push_back({task.name, with_commas(task.quality.samples)});
  for (const Column& column : kColumns) {
    if (!anyone_has(result, column)) continue;
    rows[0].push_back(column.title);
    for (size_t i = 0; i < result.tasks.size(); ++i) {
      const std::optional<double> value = column.value(result.tasks[i]);
      rows[i + 1].push_back(value ? fmt::format("{:.4f}", *value) : "-");
    }
  }
  return rows;
}

// The first column to the left, numbers to the right.
std::string aligned(const std::vector<Row>& rows) {
  std::vector<size_t> widths(rows[0].size(), 0);
  for (const Row& row : rows)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string text;
  for (const Row& row : rows) {
    text += fmt::format("{:<{}}", row[0], widths[0]);
    for (size_t i = 1; i < row.size(); ++i) text += fmt::format("  {:>{}}", row[i], widths[i]);
    text += '\n';
  }
  return text;
}

}  // namespace

std::string closing_table(const RunResult& result) {
  std::string text = aligned(table_rows(result));
  if (result.steps == 0 || result.samples == 0) return text;  // of an evaluation
  text += fmt::format("trained on {} samples in {} ({} samples/s), {} steps",
                      with_commas(result.samples), duration_text(result.seconds),
                      with_commas(static_cast<uint64_t>(std::llround(result.samples_per_second()))),
                      with_commas(result.steps));
  if (result.bad_samples > 0)
    text += fmt::format(", {} bad samples", with_commas(result.bad_samples));
  if (result.restarts > 0) text += fmt::format(", {} restarts", result.restarts);
  if (result.server_restarts > 0)
    text += fmt::format(", {} restarts of servers", result.server_restarts);
  if (result.lost_pushes > 0)
    text += fmt::format(", {} acknowledged pushes LOST", with_commas(result.lost_pushes));
  if (!result.lost.empty())
    text += fmt::format(", {} damaged parts of shards given up (see result.json)",
                        with_commas(result.lost.size()));
  return text + "\n";
}

}  // namespace cairn::training
