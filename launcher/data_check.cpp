#include "launcher/data_check.h"

#include <fmt/core.h>

#include <filesystem>
#include <system_error>

#include "worker/data/dataset.h"
#include "worker/data/text/decoded_file.h"

namespace cairn::launcher {

namespace {

Status check_data_file(const std::string& key, const std::string& path) {
  const auto bad = [&](const std::string& why) {
    return Error{ErrorCode::kBadData, fmt::format("{}: {}: {}", key, path, why)};
  };
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) return bad("no such file");
  if (std::filesystem::is_directory(status)) return bad("is a folder; name the files in it");
  // Opening a FIFO would wait for its writer.
  if (!std::filesystem::is_regular_file(status)) return bad("is not a regular file");
  if (std::filesystem::file_size(path, error) == 0) return bad("is empty");
  return Ok{};
}

Status check_files(const std::string& key, const std::vector<std::string>& paths) {
  for (const std::string& path : paths)
    if (Status status = check_data_file(key, path); !status.ok()) return status;
  return Ok{};
}

Status check_columns(const JobConfig& job, data::Split split,
                     const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    const auto compressed = data::is_compressed(path);
    if (!compressed.ok()) return compressed.error();
    if (compressed.value()) return Ok{};
  }
  if (paths.empty()) return Ok{};
  const auto opened = data::Dataset::open(job, split, paths);
  return opened.ok() ? Status(Ok{}) : Status(opened.error());
}

std::vector<std::string> present(const std::vector<std::string>& paths) {
  std::vector<std::string> found;
  for (const std::string& path : paths)
    if (check_data_file("", path).ok()) found.push_back(path);
  return found;
}

}  // namespace

Status check_data(const JobRequest& request, const JobConfig& job) {
  const bool train = request.mode == training::WorkerMode::kTrain,
             has_inputs = !request.inputs.empty();
  const std::vector<std::string>& inputs = has_inputs ? request.inputs : job.data.eval;
  if (train)
    if (Status status = check_files("data.train", job.data.train); !status.ok()) return status;
  if (Status status = check_files(has_inputs ? "--input" : "data.eval", inputs); !status.ok())
    return status;
  if (!train && inputs.empty())
    return Error{ErrorCode::kInvalidArgument,
                 request.job_file + ": data.eval names no file to read"};
  if (train)
    if (Status status = check_columns(job, data::Split::kTrain, job.data.train); !status.ok())
      return status;
  const bool predict = request.mode == training::WorkerMode::kPredict;  // there may be no labels
  return check_columns(job, predict ? data::Split::kPredict : data::Split::kEval, inputs);
}

Status check_columns_of_present_files(const JobConfig& job) {
  if (Status status = check_columns(job, data::Split::kTrain, present(job.data.train));
      !status.ok())
    return status;
  return check_columns(job, data::Split::kEval, present(job.data.eval));
}

}  // namespace cairn::launcher
