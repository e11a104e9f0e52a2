// How a learning rate changes over the steps of a job; common/config/learning_rate.h computes it.
// Plain values with every default filled in; common/config/job_file.h reads and checks them. This
// header needs no library.
#pragma once

#include <cstdint>

namespace cairn {

enum class Schedule : uint8_t { kConstant, kStep, kCosine, kInverseSqrt };

struct ScheduleConfig {
  Schedule kind = Schedule::kConstant;
  uint64_t warmup_steps = 0;     // steps of a linear rise first; 0: none
  uint64_t decay_steps = 10000;  // step: from fall to fall; cosine: until the end
  float factor = 0.1f;           // step: per fall; cosine: of the rate at the end
  friend bool operator==(const ScheduleConfig&, const ScheduleConfig&) = default;
};

}  // namespace cairn
