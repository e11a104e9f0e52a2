#include "worker/trainer/evaluator.h"

#include <chrono>

#include "worker/evaluation/evaluation_pairs.h"
#include "worker/trainer/inference.h"

namespace cairn {

Result<EvaluationReport> evaluate(Session& session, uint64_t step) {
  const auto start = std::chrono::steady_clock::now();
  const std::vector<TaskConfig>& tasks = session.job.model.tasks;
  EvaluationPairs mine(tasks.size());
  const Status read = run_inference(session, *session.evaluation_data, step,
                                    [&](const Batch& batch, std::span<const float> predictions) {
                                      mine.add(predictions, batch.labels);
                                    });
  if (!read.ok()) return read.error();
  const Result<std::vector<std::string>> gathered = session.collective.all_gather(mine.serialise());
  if (!gathered.ok()) return gathered.error();
  EvaluationPairs all(tasks.size());
  for (const std::string& bytes : gathered.value())
    if (Status s = all.merge(bytes); !s.ok()) return s.error();

  EvaluationReport report;
  report.step = step;
  for (size_t task = 0; task < tasks.size(); ++task)
    report.qualities.push_back(measure(all.task(task), tasks[task].loss));
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

}  // namespace cairn
