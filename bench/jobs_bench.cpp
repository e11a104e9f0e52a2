// Whole jobs, as a user runs them: time and quality. Run from the root of the project.
//   quickstart  configs/quickstart.yaml on generated data (made here if it is missing)
//   census      configs/census.yaml, movielens  configs/movielens.yaml: where CAIRN_DATA names the
//   data

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "bench/gate.h"

namespace cairn {
namespace {

using Json = nlohmann::json;

struct JobRun {
  double seconds = 0;
  Json result;

  double figure(const std::string& task, const std::string& name) const {
    for (const Json& entry : result.at("tasks"))
      if (entry.at("name") == task && entry.contains(name) && entry[name].is_number())
        return entry[name];
    return std::nan("");
  }
};

bool run(const std::string& command) { return std::system(command.c_str()) == 0; }

std::optional<JobRun> train(const std::string& name) {
  const std::string output = "runs/bench-" + name;
  std::filesystem::remove_all(output);
  const auto start = std::chrono::steady_clock::now();
  if (!run(fmt::format("{} train configs/{}.yaml --set output={}", CAIRN_PROGRAM, name, output)))
    return std::nullopt;
  JobRun job;
  job.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::ifstream file(output + "/result.json");
  job.result = Json::parse(file);
  fmt::print("{}: {:.1f} s in all, {:.0f} samples/s in training\n", name, job.seconds,
             job.result.value("samples_per_second", 0.0));
  return job;
}

// How much of the way from chance (0.5) to the best AUC that any model can reach.
double share_of_best(const JobRun& job, const std::string& task) {
  std::ifstream file("data/quickstart/best.json");
  for (const Json& best : Json::parse(file).at("tasks"))
    if (best.at("name") == task)
      return (job.figure(task, "auc") - 0.5) / (best.at("auc").get<double>() - 0.5);
  return std::nan("");
}

bool quickstart() {
  if (!std::filesystem::exists("data/quickstart/best.json") &&
      !run(std::string(CAIRN_PROGRAM) + " gen-data --format csv --output data/quickstart"))
    return false;
  const std::optional<JobRun> job = train("quickstart");
  if (!job) return false;
  gate("quickstart_seconds", job->seconds, "<=", 60);
  gate("quickstart_click_auc_of_best", share_of_best(*job, "click"), ">=", 0.9);
  gate("quickstart_conversion_auc_of_best", share_of_best(*job, "conversion"), ">=", 0.9);
  return true;
}

struct Goal {
  const char *job, *task, *figure, *bound;
  double value;
};
constexpr Goal kGoals[] = {
    {"census", "income", "auc", ">=", 0.945},
    {"census", "never_married", "auc", ">=", 0.994},
    {"movielens", "like", "auc", ">=", 0.795},
    {"movielens", "rating", "rmse", "<=", 0.875},
};

bool real_data(const std::string& name) {
  const char* data = std::getenv("CAIRN_DATA");
  const bool present = data && std::filesystem::exists(std::filesystem::path(data) / name);
  const std::optional<JobRun> job = present ? train(name) : std::nullopt;
  for (const Goal& goal : kGoals) {
    if (goal.job != name) continue;
    const std::string title = fmt::format("{}_{}_{}", name, goal.task, goal.figure);
    if (job)
      gate(title, job->figure(goal.task, goal.figure), goal.bound, goal.value);
    else if (!present)
      gate_skipped(title, goal.bound, goal.value, "CAIRN_DATA names no folder with " + name + "/");
  }
  return job.has_value() || !present;
}

}  // namespace
}  // namespace cairn

int main() {
  const bool made = cairn::quickstart();
  const bool census = cairn::real_data("census");
  const bool movielens = cairn::real_data("movielens");
  return made && census && movielens ? 0 : 1;
}
