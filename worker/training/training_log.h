// <output>/metrics.jsonl: one JSON object per line and report, for whoever plots a run.
//   {"kind": "train", "step": 50, "epoch": 1, "done": 0.1, "samples": 204800, "seconds": 4.1,
//    "samples_per_second": 50123.0, "bad_samples": 0, "loss": {"income": 0.31}}
//   {"kind": "evaluation", "step": 100, "epoch": 1, "seconds": 0.8,
//    "tasks": {"income": {"samples": 99762, "auc": 0.94, "logloss": 0.12, "calibration": 1.01}}}
// What is not finite or undefined is null. A line is with the system when `write` returns, so a
// killed run keeps it. Thread safety: none.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/config/model_config.h"
#include "common/result.h"
#include "worker/evaluation/evaluation_report.h"
#include "worker/training/report.h"

namespace cairn::training {

class TrainingLog {
 public:
  // Goes on at the end of an existing file, as a resumed run does. Errors: kUnavailable.
  static Result<std::unique_ptr<TrainingLog>> open(const std::filesystem::path& path,
                                                   std::vector<TaskConfig> tasks);

  // Errors: kUnavailable where the disk refuses; the run need not end for it.
  Status write(const TrainReport& report);
  Status write(const evaluation::EvaluationReport& report);

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  TrainingLog(std::filesystem::path path, std::unique_ptr<std::FILE, CloseFile> file,
              std::vector<TaskConfig> tasks);
  Status write_line(const std::string& line);

  std::filesystem::path path_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  std::vector<TaskConfig> tasks_;
};

}  // namespace cairn::training
