// Writes a job's checkpoints, all workers together: the shards write their rows while worker 0
// writes the dense parameters, the statistics and the cursor, and renames the manifest into place
// last.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <vector>

#include "worker/training/session.h"
#include "worker/training/train_state.h"

namespace cairn::training {

// The state that a manifest holds, for the readers of this worker.
TrainState state_of(const CheckpointManifest& manifest, uint32_t first_reader,
                    uint32_t last_reader);

class Checkpointer {
 public:
  explicit Checkpointer(Session& session) : session_(session) {}

  // Collective, between steps. Waits until every push is acknowledged. On an error the folder has
  // no manifest, so it is no checkpoint, and older ones stay.
  Status write(const TrainState& state);

 private:
  Result<std::string> write_as_first(const TrainState& state,
                                     std::vector<std::pair<uint32_t, uint32_t>> positions);
  void remove_old(const TrainState& state) const;

  Session& session_;
};

}  // namespace cairn::training
