#include "worker/training/predictor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "common/atomic_file.h"
#include "worker/collective/agreement.h"
#include "worker/training/inference.h"

namespace cairn::training {
namespace {

// A row as it travels: its offset, then one float per task.
class PackedRows {
 public:
  explicit PackedRows(size_t tasks) : bytes_(sizeof(uint64_t) + tasks * sizeof(float)) {}

  void append(std::string& to, uint64_t offset, const float* predictions) const {
    to.append(reinterpret_cast<const char*>(&offset), sizeof offset);
    to.append(reinterpret_cast<const char*>(predictions), bytes_ - sizeof offset);
  }
  size_t bytes() const { return bytes_; }
  static uint64_t offset(const char* row) {
    uint64_t offset;
    std::memcpy(&offset, row, sizeof offset);
    return offset;
  }
  static float prediction(const char* row, size_t task) {
    float value;
    std::memcpy(&value, row + sizeof(uint64_t) + task * sizeof(float), sizeof value);
    return value;
  }

 private:
  size_t bytes_;
};

std::string to_csv(const std::vector<TaskConfig>& tasks, const PackedRows& packed,
                   const std::vector<std::string>& all, uint64_t& rows_written) {
  std::vector<const char*> rows;
  for (const std::string& part : all)
    for (size_t at = 0; at < part.size(); at += packed.bytes()) rows.push_back(part.data() + at);
  std::sort(rows.begin(), rows.end(), [](const char* a, const char* b) {
    return PackedRows::offset(a) < PackedRows::offset(b);
  });
  std::string csv = "offset";
  for (const TaskConfig& task : tasks) csv += "," + task.name;
  csv += '\n';
  const auto end = std::back_inserter(csv);
  for (const char* row : rows) {
    fmt::format_to(end, "{}", PackedRows::offset(row));
    for (size_t task = 0; task < tasks.size(); ++task)
      fmt::format_to(end, ",{}", PackedRows::prediction(row, task));
    csv += '\n';
  }
  rows_written = rows.size();
  return csv;
}

}  // namespace

Result<uint64_t> predict_samples(Session& session, uint64_t step) {
  const size_t tasks = session.job.model.tasks.size();
  const PackedRows packed(tasks);
  std::string mine;
  const Status predicted = run_inference(
      session, *session.evaluation_data, step,
      [&](const features::Batch& batch, std::span<const float> predictions) {
        for (uint32_t row = 0; row < batch.samples; ++row)
          packed.append(mine, batch.sample_ids[row], predictions.data() + row * tasks);
      });
  if (!predicted.ok()) return predicted.error();
  const Result<std::vector<std::string>> all = session.collective.gather_to_first(std::move(mine));
  if (!all.ok()) return all.error();
  uint64_t rows = 0;
  Status written = Ok{};
  if (session.first())
    written = write_file_atomically(session.options.predictions,
                                    to_csv(session.job.model.tasks, packed, all.value(), rows));
  if (Status s = agree(session.collective, written); !s.ok()) return s.error();
  return rows;
}

}  // namespace cairn::training
