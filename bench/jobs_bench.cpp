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
  figure(name + " in all", job.seconds, "s");
  figure(name + " in training", job.result.value("samples_per_second", 0.0), "samples/s");
  return job;
}

// How much of the way from chance (0.5) to the best AUC that any model can reach.
double share_of_best(const JobRun& job, const std::string& task) {
  std::ifstream file("data/quickstart/best.json");
  const Json all = Json::parse(file);
  for (const Json& best : all.at("tasks"))
    if (best.at("name") == task)
      return (job.figure(task, "auc") - 0.5) / (best.at("auc").get<double>() - 0.5);
  return std::nan("");
}

// `figure`: of result.json, or "seconds" of the whole run, or "auc_of_best".
struct Goal {
  const char *job, *task, *figure, *bound;
  double value;

  std::string name() const {
    return *task ? fmt::format("{}_{}_{}", job, task, figure) : fmt::format("{}_{}", job, figure);
  }
};
constexpr Goal kGoals[] = {
    {"quickstart", "", "seconds", "<=", 60},
    {"quickstart", "click", "auc_of_best", ">=", 0.95},
    {"quickstart", "conversion", "auc_of_best", ">=", 0.93},
    {"census", "income", "auc", ">=", 0.945},
    {"census", "never_married", "auc", ">=", 0.994},
    {"movielens", "like", "auc", ">=", 0.797},
    {"movielens", "rating", "rmse", "<=", 0.870},
};

double measured(const JobRun& job, const Goal& goal) {
  const std::string figure = goal.figure;
  if (figure == "seconds") return job.seconds;
  if (figure == "auc_of_best") return share_of_best(job, goal.task);
  return job.figure(goal.task, figure);
}

// Why a job cannot be run here; empty where it can.
std::string missing_data(const std::string& name) {
  if (name == "quickstart") return "";
  const char* data = std::getenv("CAIRN_DATA");
  if (data && std::filesystem::exists(std::filesystem::path(data) / name)) return "";
  return "CAIRN_DATA names no folder that holds " + name + "/";
}

bool bench_job(const std::string& name, std::string why_not) {
  if (why_not.empty()) why_not = missing_data(name);
  bool failed = false;
  std::optional<JobRun> job;
  if (why_not.empty()) {
    const bool data = name != "quickstart" ||
                      std::filesystem::exists("data/quickstart/best.json") ||
                      run(CAIRN_PROGRAM " gen-data --format csv --output data/quickstart");
    if (data) job = train(name);
    failed = !job;
    if (failed) why_not = "the job failed";
  }
  for (const Goal& goal : kGoals) {
    if (goal.job != name) continue;
    if (job)
      gate(goal.name(), measured(*job, goal), goal.bound, goal.value);
    else
      gate_skipped(goal.name(), goal.bound, goal.value, why_not);
  }
  return !failed;
}

}  // namespace
}  // namespace cairn

// --skip WHY: only says that nothing was measured.
int main(int argc, char** argv) {
  const std::string why_not = argc > 2 && std::string(argv[1]) == "--skip" ? argv[2] : "";
  bool good = true;
  for (const char* name : {"quickstart", "census", "movielens"})
    good &= cairn::bench_job(name, why_not);
  return good ? 0 : 1;
}
