#include "launcher/job_start.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "common/atomic_file.h"
#include "common/checkpoint/manifest.h"
#include "common/config/job_file.h"
#include "common/config/resolved.h"
#include "launcher/exit_code.h"
#include "launcher/host.h"

namespace cairn {

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

Status check_data(const JobRequest& request, const JobConfig& job) {
  if (request.mode == WorkerMode::kTrain)
    for (const std::string& path : job.data.train)
      if (Status status = check_data_file("data.train", path); !status.ok()) return status;
  const bool has_inputs = !request.inputs.empty();
  for (const std::string& path : has_inputs ? request.inputs : job.data.eval)
    if (Status status = check_data_file(has_inputs ? "--input" : "data.eval", path); !status.ok())
      return status;
  if (request.mode != WorkerMode::kTrain && !has_inputs && job.data.eval.empty())
    return Error{ErrorCode::kInvalidArgument,
                 request.job_file + ": data.eval names no file to read"};
  return Ok{};
}

// A job of several hosts has no checkpoint of its own on the others; all read the one that rank 0
// names.
Result<std::optional<std::filesystem::path>> choose_checkpoint(const JobRequest& request,
                                                               const JobConfig& job) {
  std::optional<std::filesystem::path> chosen;
  if (!request.checkpoint.empty()) {
    chosen = request.checkpoint;
  } else if (request.mode != WorkerMode::kTrain || request.resume) {
    const auto newest = newest_checkpoint(job.checkpoint.dir);
    if (newest.ok())
      chosen = newest.value();
    else if (request.mode != WorkerMode::kTrain)
      return newest.error();  // a resumed run that had come to none begins again
  }
  if (chosen) {
    const auto manifest = read_manifest(*chosen);
    if (!manifest.ok()) return manifest.error();
  }
  return chosen;
}

Status begin_output(const JobRequest& request, const JobStart& start, RunFolders& folders) {
  const JobConfig& job = start.job;
  if (Status status = folders.lock(job.output); !status.ok()) return status;
  if (!request.resume && was_used(job.output, job.checkpoint.dir))
    return Error{ErrorCode::kInvalidArgument,
                 "the output folder " + job.output +
                     " holds another run; go on with it by --resume, or give this one another "
                     "`output` (--set output=FOLDER)"};
  return write_file_atomically(job.output + "/resolved.yaml", start.resolved);
}

}  // namespace

RunFolders::RunFolders(RunFolders&& other) noexcept
    : lock_(std::move(other.lock_)), temporary_(std::exchange(other.temporary_, {})) {}

RunFolders::~RunFolders() {
  std::error_code ignored;  // nothing depends on it, and there is no one left to tell
  for (const auto& folder : temporary_) std::filesystem::remove_all(folder, ignored);
}

Status RunFolders::lock(const std::filesystem::path& output) {
  auto taken = OutputLock::take(output);
  if (!taken.ok()) return taken.error();
  lock_.emplace(std::move(taken).value());
  return Ok{};
}

void RunFolders::remove_at_end(std::filesystem::path folder) {
  temporary_.push_back(std::move(folder));
}

Result<JobConfig> load(const std::string& job_file, const std::vector<std::string>& overrides) {
  JobFileResult loaded = load_job(job_file, overrides);
  if (!loaded.ok()) {
    std::string text = to_string(loaded.diagnostics);
    while (text.ends_with('\n')) text.pop_back();
    return Error{ErrorCode::kInvalidArgument, "the job file is wrong\n" + text};
  }
  return std::move(loaded.job);
}

Result<PreparedJob> prepare(const JobRequest& request) {
  auto loaded = load(request.job_file, request.overrides);
  if (!loaded.ok()) return loaded.error();
  PreparedJob prepared;
  JobStart& start = prepared.start;
  start.job = std::move(loaded).value();
  start.incarnation = request.incarnation != 0 ? request.incarnation : random_bits();
  const bool train = request.mode == WorkerMode::kTrain;
  if (!train)
    start.job.ps.state = fmt::format("{}/stores-{:016x}", start.job.output, start.incarnation);
  start.resolved = write_resolved(start.job);
  if (Status status = check_data(request, start.job); !status.ok()) return status.error();

  const bool holds_folders = request.incarnation == 0;
  if (train && holds_folders)
    if (Status status = begin_output(request, start, prepared.folders); !status.ok())
      return status.error();
  auto checkpoint = choose_checkpoint(request, start.job);
  if (!checkpoint.ok()) return checkpoint.error();
  start.checkpoint = std::move(checkpoint).value();
  if (holds_folders) {
    prepared.folders.remove_at_end(socket_folder(start.incarnation));
    if (!train) prepared.folders.remove_at_end(start.job.ps.state);
  }
  return prepared;
}

std::string to_line(const JobStart& start) {
  const nlohmann::json json = {
      {"job", start.resolved},
      {"incarnation", start.incarnation},
      {"checkpoint", start.checkpoint ? start.checkpoint->string() : std::string()}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<JobStart> parse_start(const std::string& line) {
  JobStart start;
  try {
    const auto json = nlohmann::json::parse(line);
    json.at("job").get_to(start.resolved);
    json.at("incarnation").get_to(start.incarnation);
    if (const std::string checkpoint = json.at("checkpoint"); !checkpoint.empty())
      start.checkpoint = checkpoint;
  } catch (const nlohmann::json::exception& problem) {
    return Error{ErrorCode::kCorrupt, std::string("no start of a job: ") + problem.what()};
  }
  JobFileResult loaded = parse_job(start.resolved, "the job of rank 0");
  if (!loaded.ok()) return Error{ErrorCode::kCorrupt, to_string(loaded.diagnostics)};
  start.job = std::move(loaded.job);
  return start;
}

}  // namespace cairn
