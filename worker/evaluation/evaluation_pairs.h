// The predictions and labels of an evaluation, gathered: each worker adds those of its batches, and
// `serialise`d they travel to all (Collective::all_gather), who merge them and measure alike.
// 8 bytes per row and task. Thread safety: none.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/result.h"
#include "worker/evaluation/quality.h"

namespace cairn::evaluation {

class EvaluationPairs {
 public:
  explicit EvaluationPairs(size_t tasks) : tasks_(tasks) {}

  // Both [rows, tasks], row-major, as a model predicts and a batch holds them.
  void add(std::span<const float> predictions, std::span<const float> labels);

  // Little-endian: tasks (u32), rows (u64), then the rows of each task.
  std::string serialise() const;

  // Adds what another worker serialised. Errors: kCorrupt if it is cut short or of other tasks;
  // these pairs are then as they were.
  Status merge(std::string_view bytes);

  const std::vector<PredictionPair>& task(size_t task) const { return tasks_.at(task); }
  // Gives a task's pairs away.
  std::vector<PredictionPair> take(size_t task) { return std::exchange(tasks_.at(task), {}); }
  size_t rows() const { return tasks_.empty() ? 0 : tasks_.front().size(); }

 private:
  std::vector<std::vector<PredictionPair>> tasks_;  // as many rows in each
};

}  // namespace cairn::evaluation
