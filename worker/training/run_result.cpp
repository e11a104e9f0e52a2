#include "worker/training/run_result.h"

#include <utility>

#include "common/atomic_file.h"
#include "worker/training/quality_json.h"

namespace cairn::training {
namespace {

nlohmann::ordered_json task_json(const TaskResult& task) {
  nlohmann::ordered_json json = {{"name", task.name}};
  json.update(quality_json(task.quality, task.loss));
  nlohmann::ordered_json best = nlohmann::ordered_json::object();
  if (task.best.auc) best["auc"] = *task.best.auc;
  if (task.best.logloss) best["logloss"] = *task.best.logloss;
  if (task.best.rmse) best["rmse"] = *task.best.rmse;
  if (!best.empty()) json["best"] = std::move(best);
  return json;
}

}  // namespace

Status write_result(const std::filesystem::path& path, const RunResult& result) {
  nlohmann::ordered_json tasks = nlohmann::ordered_json::array();
  for (const TaskResult& task : result.tasks) tasks.push_back(task_json(task));
  const nlohmann::ordered_json json = {{"tasks", std::move(tasks)},
                                       {"steps", result.steps},
                                       {"samples", result.samples},
                                       {"seconds", result.seconds},
                                       {"samples_per_second", result.samples_per_second()},
                                       {"bad_samples", result.bad_samples},
                                       {"restarts", result.restarts},
                                       {"server_restarts", result.server_restarts},
                                       {"lost_pushes", result.lost_pushes},
                                       {"lost", result.lost},
                                       {"config_hash", result.config_hash}};
  return write_file_atomically(path, json_text(json, 2) + "\n");
}

}  // namespace cairn::training
