// Worker 0's report about a run while it goes on. A plain value: Progress shows it and TrainingLog
// keeps it, beside the reports of evaluations (worker/evaluation/evaluation_report.h).
#pragma once

#include <cstdint>
#include <vector>

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

}  // namespace cairn::training
