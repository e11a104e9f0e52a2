#include "worker/evaluation/evaluator.h"

#include <chrono>
#include <cstring>
#include <type_traits>

#include "worker/collective/agreement.h"
#include "worker/evaluation/evaluation_pairs.h"
#include "worker/evaluation/inference.h"

namespace cairn::evaluation {

namespace {

// Worker 0 alone holds all pairs; what it measures travels to the others.
Result<std::string> measure_as_first(const std::vector<TaskConfig>& tasks,
                                     std::vector<std::string> gathered) {
  EvaluationPairs all(tasks.size());
  for (std::string& bytes : gathered) {
    if (Status s = all.merge(bytes); !s.ok()) return s.error();
    bytes = {};
  }
  std::vector<TaskQuality> qualities;
  for (size_t task = 0; task < tasks.size(); ++task)
    qualities.push_back(measure(all.take(task), tasks[task].loss));
  return std::string(reinterpret_cast<const char*>(qualities.data()),
                     qualities.size() * sizeof(TaskQuality));
}

}  // namespace

Result<EvaluationReport> evaluate(Inference& inference, const version::VersionPtr& version,
                                  const data::Dataset& data) {
  static_assert(std::is_trivially_copyable_v<TaskQuality>);
  const auto start = std::chrono::steady_clock::now();
  const std::vector<TaskConfig>& tasks = inference.parts().job.model.tasks;
  EvaluationPairs mine(tasks.size());
  const Status read = inference.run(
      version, data, [&](const features::Batch& batch, std::span<const float> predictions) {
        mine.add(predictions, batch.labels);
      });
  if (!read.ok()) return read.error();
  collective::Collective& collective = inference.parts().collective;
  Result<std::vector<std::string>> gathered = collective.gather_to_first(mine.serialise());
  if (!gathered.ok()) return gathered.error();
  Result<std::string> measured = std::string();
  if (collective.rank() == 0) measured = measure_as_first(tasks, std::move(gathered).value());
  const Result<std::string> qualities = from_first(collective, measured);
  if (!qualities.ok()) return qualities.error();

  EvaluationReport report;
  report.step = version->step;
  report.qualities.resize(tasks.size());
  check(qualities.value().size() == tasks.size() * sizeof(TaskQuality), "one quality per task");
  std::memcpy(report.qualities.data(), qualities.value().data(), qualities.value().size());
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return report;
}

std::map<std::string, double> figures_of(const EvaluationReport& evaluation,
                                         const ModelConfig& model) {
  std::map<std::string, double> figures;
  for (size_t task = 0; task < model.tasks.size(); ++task)
    for (const char* name : {"auc", "logloss", "rmse", "calibration"})
      if (const auto value = quality_named(evaluation.qualities[task], name))
        figures[model.tasks[task].name + "." + name] = *value;
  return figures;
}

}  // namespace cairn::evaluation
