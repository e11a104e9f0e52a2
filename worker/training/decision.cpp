#include "worker/training/decision.h"

#include <fmt/format.h>

namespace cairn::training {

Decision decide(std::span<const collective::Control> controls, uint64_t epoch,
                uint64_t max_bad_samples) {
  Decision decision;
  uint64_t bad_samples = 0;
  bool stop = false, error = false;
  for (const collective::Control& control : controls) {
    decision.next_samples += control.next_samples;
    bad_samples += control.bad_samples;
    stop |= control.stop != 0;
    error |= control.error != 0;
  }
  if (error) {
    decision.next = Next::kFailed;
  } else if (bad_samples > max_bad_samples) {
    decision.next = Next::kFailed;
    decision.error = {ErrorCode::kBadData,
                      fmt::format("{} bad samples in epoch {}, more than data.max_bad_samples "
                                  "({}); the first are in the log above",
                                  bad_samples, epoch, max_bad_samples)};
  } else if (stop) {
    decision.next = Next::kStop;
  }
  return decision;
}

uint64_t first_sample_of(uint32_t rank, std::span<const collective::Control> controls) {
  uint64_t before = 0;
  for (const collective::Control& control : controls.first(rank)) before += control.next_samples;
  return before;
}

}  // namespace cairn::training
