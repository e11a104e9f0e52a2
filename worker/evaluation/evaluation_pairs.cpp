#include "worker/evaluation/evaluation_pairs.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

#include "common/check.h"

namespace cairn::evaluation {
namespace {

static_assert(std::endian::native == std::endian::little, "what travels is little-endian");
static_assert(sizeof(PredictionPair) == 8 && std::is_trivially_copyable_v<PredictionPair>);

constexpr size_t kHeaderBytes = sizeof(uint32_t) + sizeof(uint64_t);

}  // namespace

void EvaluationPairs::add(std::span<const float> predictions, std::span<const float> labels) {
  const size_t tasks = tasks_.size();
  check(predictions.size() == labels.size(), "a label for each prediction");
  check(tasks > 0 && predictions.size() % tasks == 0, "a prediction for each row and task");
  for (size_t task = 0; task < tasks; ++task)
    for (size_t at = task; at < predictions.size(); at += tasks)
      tasks_[task].push_back({predictions[at], labels[at]});
}

std::string EvaluationPairs::serialise() const {
  const uint32_t tasks = static_cast<uint32_t>(tasks_.size());
  const uint64_t rows = this->rows();
  std::string bytes;
  bytes.reserve(kHeaderBytes + tasks * rows * sizeof(PredictionPair));
  bytes.append(reinterpret_cast<const char*>(&tasks), sizeof tasks);
  bytes.append(reinterpret_cast<const char*>(&rows), sizeof rows);
  for (const auto& pairs : tasks_)
    bytes.append(reinterpret_cast<const char*>(pairs.data()), rows * sizeof(PredictionPair));
  return bytes;
}

Status EvaluationPairs::merge(std::string_view bytes) {
  uint32_t tasks = 0;
  uint64_t rows = 0;
  if (bytes.size() < kHeaderBytes)
    return Error{ErrorCode::kCorrupt, "evaluation pairs of a worker are cut short"};
  std::memcpy(&tasks, bytes.data(), sizeof tasks);
  std::memcpy(&rows, bytes.data() + sizeof tasks, sizeof rows);
  bytes.remove_prefix(kHeaderBytes);
  if (tasks != tasks_.size())
    return Error{ErrorCode::kCorrupt,
                 fmt::format("evaluation pairs have {} tasks, want {}", tasks, tasks_.size())};
  // Divided rather than multiplied: `rows` may be anything.
  const uint64_t row_bytes = uint64_t{tasks} * sizeof(PredictionPair);
  const bool whole = row_bytes == 0
                         ? rows == 0 && bytes.empty()
                         : bytes.size() % row_bytes == 0 && bytes.size() / row_bytes == rows;
  if (!whole)
    return Error{ErrorCode::kCorrupt,
                 fmt::format("evaluation pairs of {} rows and {} tasks have {} bytes", rows, tasks,
                             bytes.size())};
  if (rows == 0) return Ok{};  // memcpy wants no null pointer
  for (auto& pairs : tasks_) {
    const size_t before = pairs.size();
    pairs.resize(before + rows);
    std::memcpy(pairs.data() + before, bytes.data(), rows * sizeof(PredictionPair));
    bytes.remove_prefix(rows * sizeof(PredictionPair));
  }
  return Ok{};
}

}  // namespace cairn::evaluation
