// Reports of worker 0 about a run while it goes on, and the quality that evaluations find. Plain
// values: Progress shows them, TrainingLog keeps them, result.json and the closing table end with
// them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "worker/evaluation/quality.h"

namespace cairn::training {

// Since the last report, unless it says otherwise.
struct TrainReport {
  uint64_t step = 0;     // of the job, from 1
  uint32_t epoch = 1;    // from 1
  double done = 0.0;     // of the whole run, 0..1; what a resumed run found done counts
  uint64_t samples = 0;  // rows trained by all workers since this start
  double seconds = 0.0;  // since this start
  double samples_per_second = 0.0;
  std::vector<double> losses = {};  // one per task: mean over the rows
  uint64_t bad_samples = 0;         // since this start
};

struct EvaluationReport {
  uint64_t step = 0;
  uint32_t epoch = 1;
  double seconds = 0.0;                                 // that the evaluation took
  std::vector<evaluation::TaskQuality> qualities = {};  // one per task
};

}  // namespace cairn::training
