// How a run ended: <output>/result.json for programs, a table for people.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "worker/evaluation/quality.h"

namespace cairn::training {

// The best that any model can reach on the evaluation data, where it is known: generated data.
struct BestReachable {
  std::optional<double> auc = {}, logloss = {}, rmse = {};
};

struct TaskResult {
  std::string name;
  Loss loss = Loss::kBce;
  evaluation::TaskQuality quality = {};  // on the evaluation data
  BestReachable best = {};
};

struct RunResult {
  std::vector<TaskResult> tasks = {};  // in the job's order
  uint64_t steps = 0;                  // of the job
  uint64_t samples = 0;                // trained in `seconds`
  double seconds = 0.0;                // of training, without evaluations
  uint64_t bad_samples = 0;
  uint32_t restarts = 0;
  uint32_t server_restarts = 0;
  // The losses of servers' recoveries (ps.recovery: report): pushes that had been acknowledged,
  // and an object for each piece of a shard's files.
  uint64_t lost_pushes = 0;
  nlohmann::ordered_json lost = nlohmann::ordered_json::array();
  std::string config_hash = {};

  double samples_per_second() const {
    return seconds > 0.0 ? static_cast<double>(samples) / seconds : 0.0;
  }
};

// {"tasks": [{"name", "samples", "auc", "logloss", "calibration"} or {"name", "samples", "rmse",
// "calibration"}, ...], "steps", "samples", "seconds", "samples_per_second", "bad_samples",
// "restarts", "server_restarts", "lost_pushes", "lost": [{"shard", and what ps/store/storage_loss.h
// says},
// ...], "config_hash"}. A task whose best is known has "best": {"auc",
// "logloss"} too. What is undefined is null. Replaces the file at once; see common/atomic_file.h
// for its errors.
Status write_result(const std::filesystem::path& path, const RunResult& result);

// A line per task with what it has (a column that none has is left out), the best reachable beside,
// and, where anything was trained, a line on how much and how fast. Ends with a line break.
std::string closing_table(const RunResult& result);

}  // namespace cairn::training
