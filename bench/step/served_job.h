// The step of a model as a user runs it: `cairn train`, with worker and server processes on this
// machine, over a file of rows drawn as LocalJob draws them. For models of one table.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

#include "bench/step/models.h"

namespace cairn::step {

class ServedJob {
 public:
  // Writes data and job file into runs/bench-step, which goes with this object.
  ServedJob(const StepModel& model, size_t workers);
  ~ServedJob();
  ServedJob(const ServedJob&) = delete;

  struct Rates {
    double samples_per_second;      // on the wall, the median of reports of the last `steps`
    double samples_per_cpu_second;  // of all processes together: servers, workers, launcher
  };
  // A job of `warm` steps and one of `warm` + `steps`: what starting, making rows and ending cost
  // is not counted. Empty where a job fails.
  std::optional<Rates> run(size_t warm, size_t steps) const;

 private:
  struct Run {
    double cpu_seconds;
    double samples_per_second;
  };
  std::optional<Run> train(size_t steps, size_t warm) const;

  const size_t batch_;  // of all workers
  const std::filesystem::path folder_;
};

}  // namespace cairn::step
