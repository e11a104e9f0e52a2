#include "common/config/job_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/config/block_reader.h"
#include "common/config/features.h"
#include "common/config/job_checks.h"
#include "common/config/overrides.h"
#include "common/config/renamed_keys.h"
#include "common/config/schema.h"
#include "common/config/yaml_tree.h"

namespace cairn {
namespace {

constexpr size_t kFileBytesMax = 256 * 1024;  // a job file is written by hand

JobFileResult failure(const std::string& file, std::string what, std::string hint) {
  return {{}, {{file, 0, 0, "", std::move(what), std::move(hint)}}, {}};
}

void fill_defaults(JobConfig& job) {
  const auto fill = [](std::string& path, std::string by_default) {
    if (path.empty()) path = std::move(by_default);
  };
  fill(job.data.cache, default_cache(job.output));
  fill(job.ps.state, default_state(job.output));
  fill(job.checkpoint.dir, default_checkpoints(job.output));
  fill(job.metrics.file_sd, default_file_sd(job.output));
}

JobConfig assemble(JobDraft draft, const Validate& validate) {
  JobConfig job = std::move(draft.config);
  job.ps = draft.ps.config;
  if (job.data.format == DataFormat::kCriteo) {
    job.data.header = false;
    job.data.columns = criteo_columns();
  } else {
    job.data.columns = expand_ranges(job.data.columns, {"data", "columns"}, validate);
  }
  fill_defaults(job);
  ExpandedFeatures expanded = expand_features(draft.features, draft.ps, validate);
  job.features = std::move(expanded.features);
  job.tables = std::move(expanded.tables);
  check_job(job, expanded.entries, validate);
  return job;
}

}  // namespace

JobFileResult load_job(const std::string& path, std::span<const std::string> overrides) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return failure(path, "is a directory", "give the path of a job file");
  std::ifstream stream(path, std::ios::binary);
  if (!stream)
    return failure(path, fmt::format("cannot be read: {}", std::strerror(errno)),
                   "give the path of a job file");
  std::string text(kFileBytesMax + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad())
    return failure(path, fmt::format("cannot be read: {}", std::strerror(errno)), "");
  text.resize(static_cast<size_t>(stream.gcount()));
  if (text.size() > kFileBytesMax)
    return failure(path, fmt::format("is larger than {} KiB", kFileBytesMax / 1024),
                   "give the path of a job file, not of data");
  if (text.find('\0') != std::string::npos)
    return failure(path, "is a binary file", "give the path of a job file, which is text");
  return parse_job(text, path, overrides);
}

JobFileResult parse_job(const std::string& text, const std::string& file,
                        std::span<const std::string> overrides) {
  Diagnostics diagnostics;
  YamlNode root = parse_yaml(text, file, diagnostics);
  if (!diagnostics.empty() && root.is_null()) return {{}, diagnostics.sorted(), {}};
  if (root.is_null()) return failure(file, "is empty", "see configs/ for jobs to begin with");
  if (!root.is_map())
    return failure(file, "is not a block of keys", "see configs/ for jobs to begin with");
  // The file's keys first, so that an override by the new name replaces their values.
  Diagnostics warnings;
  rename_old_keys(root, job_keys(), "", warnings, diagnostics);
  apply_overrides(root, overrides, diagnostics);
  rename_old_keys(root, job_keys(), "", warnings, diagnostics);

  JobDraft draft;
  read_block(root, {file, 1, 1}, job_keys(), &draft, "", diagnostics);
  JobConfig job = assemble(std::move(draft), Validate{root, diagnostics});
  return {std::move(job), diagnostics.sorted(), warnings.sorted()};
}

std::string to_string(std::span<const Diagnostic> diagnostics) {
  std::string out;
  for (const Diagnostic& diagnostic : diagnostics) out += diagnostic.text() + "\n";
  return out;
}

std::string default_cache(const std::string& output) { return output + "/cache"; }
std::string default_state(const std::string& output) { return output + "/state"; }
std::string default_checkpoints(const std::string& output) { return output + "/checkpoints"; }
std::string default_file_sd(const std::string& output) { return output + "/metrics_targets.json"; }

std::vector<std::string> criteo_columns() {
  std::vector<std::string> columns = {"label"};
  for (int i = 1; i <= 13; ++i) columns.push_back(fmt::format("I{}", i));
  for (int i = 1; i <= 26; ++i) columns.push_back(fmt::format("C{}", i));
  return columns;
}

}  // namespace cairn
