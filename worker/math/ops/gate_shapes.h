// The sizes of gates, checked alike on every backend.
#pragma once

#include "common/check.h"
#include "worker/math/ops/gates.h"

namespace cairn::math {

struct GateSizes {
  size_t batch, tasks, experts, units;
};

inline GateSizes gate_sizes(const GateInputs& in, ConstMatrix probabilities,
                            std::span<const Matrix> outputs) {
  check(!outputs.empty() && in.logits.cols % outputs.size() == 0, "gates: not one gate per task");
  const size_t tasks = outputs.size(), experts = in.logits.cols / tasks;
  const GateSizes s = {in.logits.rows, tasks, experts, outputs[0].cols};
  check(experts <= kExpertsMax, "gates: too many experts");
  check(in.experts.rows == s.batch && in.experts.cols == s.experts * s.units &&
            probabilities.rows == s.batch && probabilities.cols == in.logits.cols,
        "gates: shapes differ");
  for (const Matrix& output : outputs)
    check(output.rows == s.batch && output.cols == s.units, "gates: shapes differ");
  return s;
}

}  // namespace cairn::math
