#include "common/config/learning_rate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "common/check.h"

namespace cairn {

namespace {

// The factor of the base rate.
double share(const ScheduleConfig& schedule, uint64_t step) {
  const uint64_t warmup = schedule.warmup_steps;
  if (step < warmup) return static_cast<double>(step) / static_cast<double>(warmup);
  const uint64_t after = step - warmup, period = schedule.decay_steps;
  const double factor = schedule.factor;
  switch (schedule.kind) {
    case Schedule::kConstant:
      return 1.0;
    case Schedule::kStep:
      return std::pow(factor, static_cast<double>(after / period));
    case Schedule::kCosine: {
      const double way = static_cast<double>(std::min(after, period)) / static_cast<double>(period);
      return factor + (1.0 - factor) * 0.5 * (1.0 + std::cos(std::numbers::pi * way));
    }
    case Schedule::kInverseSqrt:
      return std::sqrt(static_cast<double>(std::max<uint64_t>(warmup, 1)) /
                       static_cast<double>(step));
  }
  return 1.0;
}

}  // namespace

float learning_rate(float base, const ScheduleConfig& schedule, uint64_t step) {
  check(step >= 1, "steps count from 1");
  check(schedule.decay_steps >= 1, "a schedule has a length");
  return static_cast<float>(base * share(schedule, step));
}

}  // namespace cairn
