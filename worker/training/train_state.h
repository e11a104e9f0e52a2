// How far training has come, as a checkpoint keeps it. A plain value.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "worker/features/batch.h"

namespace cairn::training {

struct TrainState {
  uint64_t step = 0;                                // finished
  uint64_t epoch = 0;                               // that the positions are in
  std::vector<features::ReaderPosition> positions;  // of this worker's readers
  // The best value of eval.monitor, and how many evaluations ago it was.
  double best = std::numeric_limits<double>::quiet_NaN();
  uint64_t best_step = 0;
  uint32_t evaluations_since_best = 0;
  std::map<std::string, double> evaluation;  // the last one's figures: "income.auc"
};

}  // namespace cairn::training
