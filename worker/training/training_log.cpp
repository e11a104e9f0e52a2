#include "worker/training/training_log.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "worker/training/quality_json.h"

namespace cairn::training {
namespace {

Error failed(const char* what, const std::filesystem::path& path) {
  return {ErrorCode::kUnavailable,
          fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(errno))};
}

}  // namespace

Result<std::unique_ptr<TrainingLog>> TrainingLog::open(const std::filesystem::path& path,
                                                       std::vector<TaskConfig> tasks) {
  std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "ae"));
  if (!file) return failed("open", path);
  return std::unique_ptr<TrainingLog>(new TrainingLog(path, std::move(file), std::move(tasks)));
}

TrainingLog::TrainingLog(std::filesystem::path path, std::unique_ptr<std::FILE, CloseFile> file,
                         std::vector<TaskConfig> tasks)
    : path_(std::move(path)), file_(std::move(file)), tasks_(std::move(tasks)) {}

Status TrainingLog::write(const TrainReport& report) {
  nlohmann::ordered_json losses = nlohmann::ordered_json::object();
  for (size_t task = 0; task < report.losses.size() && task < tasks_.size(); ++task)
    losses[tasks_[task].name] = report.losses[task];
  return write_line(json_text({{"kind", "train"},
                               {"step", report.step},
                               {"epoch", report.epoch},
                               {"done", report.done},
                               {"samples", report.samples},
                               {"seconds", report.seconds},
                               {"samples_per_second", report.samples_per_second},
                               {"bad_samples", report.bad_samples},
                               {"loss", std::move(losses)}}));
}

Status TrainingLog::write(const evaluation::EvaluationReport& report) {
  nlohmann::ordered_json tasks = nlohmann::ordered_json::object();
  for (size_t task = 0; task < report.qualities.size() && task < tasks_.size(); ++task)
    tasks[tasks_[task].name] = quality_json(report.qualities[task], tasks_[task].loss);
  return write_line(json_text({{"kind", "evaluation"},
                               {"step", report.step},
                               {"epoch", report.epoch},
                               {"seconds", report.seconds},
                               {"tasks", std::move(tasks)}}));
}

Status TrainingLog::write_line(const std::string& line) {
  const bool written = std::fwrite(line.data(), 1, line.size(), file_.get()) == line.size() &&
                       std::fputc('\n', file_.get()) != EOF && std::fflush(file_.get()) == 0;
  if (!written) return failed("write", path_);
  return Ok{};
}

}  // namespace cairn::training
