// Clocks of the step benchmark. Of one thread the processor's time counts, which other programs on
// the machine do not take; of several the wall's, for they wait for each other.
#pragma once

#include <ctime>

namespace cairn::step {

inline double seconds_of(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}
inline double thread_seconds() { return seconds_of(CLOCK_THREAD_CPUTIME_ID); }
inline double wall_seconds() { return seconds_of(CLOCK_MONOTONIC); }

}  // namespace cairn::step
