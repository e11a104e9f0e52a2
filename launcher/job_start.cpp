#include "launcher/job_start.h"

#include <fmt/core.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "common/atomic_file.h"
#include "common/config/job_file.h"
#include "common/config/resolved.h"
#include "launcher/checkpoint_choice.h"
#include "launcher/data_check.h"
#include "launcher/exit_code.h"
#include "launcher/host.h"

namespace cairn::launcher {

namespace {

Status begin_output(const JobRequest& request, const JobStart& start, RunFolders& folders) {
  const JobConfig& job = start.job;
  if (Status status = folders.lock(job.output); !status.ok()) return status;
  if (!request.resume && was_used(job.output, job.checkpoint.dir))
    return Error{ErrorCode::kInvalidArgument,
                 "the output folder " + job.output +
                     " holds another run; go on with it by --resume, or give this one another "
                     "`output` (--set output=FOLDER)"};
  // A run that died has left its own, which may have filled the disk.
  remove_live_stores(job, start.incarnation);
  return write_file_atomically(job.output + "/resolved.yaml", start.resolved);
}

}  // namespace

RunFolders::RunFolders(RunFolders&& other) noexcept
    : lock_(std::move(other.lock_)), temporary_(std::exchange(other.temporary_, {})) {}

RunFolders::~RunFolders() {
  for (const auto& folder : temporary_) remove_folder(folder);
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
  for (const Diagnostic& warning : loaded.warnings) spdlog::warn("{}", warning.text());
  return std::move(loaded.job);
}

Result<PreparedJob> prepare(const JobRequest& request) {
  auto loaded = load(request.job_file, request.overrides);
  if (!loaded.ok()) return loaded.error();
  PreparedJob prepared;
  JobStart& start = prepared.start;
  start.job = std::move(loaded).value();
  start.incarnation = request.incarnation != 0 ? request.incarnation : random_bits();
  const bool train = request.mode == training::WorkerMode::kTrain;
  if (!train) {
    // Beside a train of the same job, whose ports and list of endpoints they would take.
    start.job.metrics.enabled = false;
    start.job.ps.state = fmt::format("{}/stores-{:016x}", start.job.output, start.incarnation);
  }
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

}  // namespace cairn::launcher
