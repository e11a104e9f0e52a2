// What an evaluation finds. A plain value.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/evaluation/quality.h"

namespace cairn::evaluation {

struct EvaluationReport {
  uint64_t step = 0;
  uint32_t epoch = 1;
  double seconds = 0.0;                     // that the evaluation took
  std::vector<TaskQuality> qualities = {};  // one per task
};

}  // namespace cairn::evaluation
