// What all workers do next, decided from the control vectors that travel with every all-reduce.
// Pure functions of what all workers have, so all decide alike.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "common/result.h"
#include "worker/collective/collective.h"

namespace cairn::training {

// Why a worker goes on with the loop of an epoch, or leaves it.
enum class Next : uint8_t { kGoOn, kStop, kFailed };

struct Decision {
  Next next = Next::kGoOn;     // kStop: some worker was told to stop
  uint64_t next_samples = 0;   // of the next step, over all workers; 0: the epoch has ended
  std::optional<Error> error;  // that all workers have; a failure of one alone stays with it
};

// `controls`: by rank. `epoch`: from 1, for the message.
Decision decide(std::span<const collective::Control> controls, uint64_t epoch,
                uint64_t max_bad_samples);

// Where the samples of a rank stand in the global batch of the next step.
uint64_t first_sample_of(uint32_t rank, std::span<const collective::Control> controls);

}  // namespace cairn::training
