// Reads a job file into a JobConfig, or reports everything that is wrong with the file at once.
// Reading is strict. Keys that are unknown, given twice or missing are errors. Values of the wrong
// type and impossible values are errors too. The keys stand in common/config/schema.cpp, for people
// in docs/config.md. Relative paths stay relative to the current directory. Nothing here looks
// whether data files exist. ${NAME} in text is replaced from the environment. Thread safety: pure
// functions of the file and the environment.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "common/config/diagnostic.h"
#include "common/config/job.h"

namespace cairn {

struct JobFileResult {
  JobConfig job;                        // whole only where ok()
  std::vector<Diagnostic> diagnostics;  // in the order of the file; those of overrides last
  std::vector<Diagnostic> warnings;     // in the same order; the job is right all the same

  bool ok() const { return diagnostics.empty(); }
};

// `overrides` are `a.b.c=value`, as in `--set train.epochs=2`. The value is YAML. An index names an
// item of a list (`features.0.dim=8`). Blocks that the file lacks are made. Later overrides win.
JobFileResult load_job(const std::string& path, std::span<const std::string> overrides = {});

// Does the same for a text, which diagnostics call `file`.
JobFileResult parse_job(const std::string& text, const std::string& file,
                        std::span<const std::string> overrides = {});

// One diagnostic per line.
std::string to_string(std::span<const Diagnostic> diagnostics);

// The places where a run keeps what the job file does not place elsewhere.
std::string default_cache(const std::string& output);        // <output>/cache
std::string default_state(const std::string& output);        // <output>/state
std::string default_checkpoints(const std::string& output);  // <output>/checkpoints
std::string default_file_sd(const std::string& output);      // <output>/metrics_targets.json

// The columns of the Criteo layout: label, I1..I13, C1..C26.
std::vector<std::string> criteo_columns();

}  // namespace cairn
