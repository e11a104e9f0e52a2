// W workers, one a thread, that train a model over rows in local arrays: the trainer's step without
// reading, servers and reports.
#pragma once

#include <memory>
#include <vector>

#include "bench/step/local_rows.h"
#include "bench/step/models.h"

namespace cairn::step {

// Seconds of the first worker's thread in one step, without those in which it waited or did not
// run.
struct StepTimes {
  double dedup = 0, pull = 0;  // keys made unique, their rows copied
  double model = 0;            // forward and backward; of these
  double products = 0;
  double exchange = 0;  // dense gradients summed over workers
  double dense = 0;     // the dense optimizer
  double rows = 0;      // the row optimizer
  double all = 0;
  double wall = 0;  // all of it by the clock on the wall
};

class LocalJob {
 public:
  LocalJob(const StepModel& model, size_t workers, Precision precision);
  ~LocalJob();

  // One step, in which threads meet their shapes, and `steps` steps whose times are averaged.
  StepTimes run(size_t steps);

 private:
  class Worker;
  std::unique_ptr<LocalRows> rows_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace cairn::step
