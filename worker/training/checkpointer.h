// Writes a job's checkpoints, all workers together: the shards write their rows while worker 0
// writes the dense parameters, the statistics and the cursor, and renames the manifest into place
// last.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <vector>

#include "common/checkpoint/manifest.h"
#include "worker/client/ps_client.h"
#include "worker/training/compute.h"
#include "worker/training/inputs.h"
#include "worker/training/train_state.h"

namespace cairn::training {

// The state that a manifest holds, for the readers of this worker.
TrainState state_of(const CheckpointManifest& manifest, uint32_t first_reader,
                    uint32_t last_reader);

class Checkpointer {
 public:
  // All outlive it.
  Checkpointer(const JobView& view, const data::Dataset& train, Learner& learner,
               client::PsClient& shards)
      : view_(view), train_(train), learner_(learner), shards_(shards) {}

  // Collective, between steps; `version` is that of state.step. Waits until every push is acknowledged. On an error the folder has
  // no manifest, so it is no checkpoint, and older ones stay.
  Status write(const TrainState& state, const version::ModelVersion& version);

 private:
  Result<std::string> write_as_first(const TrainState& state, const version::ModelVersion& version,
                                     std::vector<std::pair<uint32_t, uint32_t>> positions);
  void remove_old(const TrainState& state) const;

  const JobView& view_;
  const data::Dataset& train_;
  Learner& learner_;
  client::PsClient& shards_;
};

}  // namespace cairn::training
