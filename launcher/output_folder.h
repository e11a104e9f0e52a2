// The folder that a run writes into: locked while a run uses it, and never mixed from two runs.
#pragma once

#include <cstdint>
#include <filesystem>

#include "common/config/job.h"
#include "common/result.h"

namespace cairn::launcher {

// Holds `<output>/.lock` (flock). The descriptor is inherited on purpose: as long as an mpirun that
// was started under the lock lives, the folder stays locked, even where `cairn` itself was killed.
class OutputLock {
 public:
  // Makes the folder if it is missing. Errors: kUnavailable where it cannot be written, or where
  // another run holds it.
  static Result<OutputLock> take(const std::filesystem::path& output);

  OutputLock(OutputLock&& other) noexcept;
  OutputLock& operator=(OutputLock&& other) = delete;
  ~OutputLock();

 private:
  explicit OutputLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

// Removes the live stores that a run, once its last checkpoint is written, leaves without use:
// those of the incarnation and, where they stand in the output folder, of the runs before it.
// Several processes may.
void remove_live_stores(const JobConfig& job, uint64_t incarnation);

// Removes a folder that processes or threads about to end may still write into: tries for a second.
// What is left then is never read again.
void remove_folder(const std::filesystem::path& folder);

// Whether a run has left results or checkpoints, which a new run would mix with its own.
bool was_used(const std::filesystem::path& output, const std::filesystem::path& checkpoints);

}  // namespace cairn::launcher
