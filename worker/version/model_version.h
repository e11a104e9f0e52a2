// A model as of one step, apart from whoever trains it. Evaluation and prediction hold a version,
// as export and serving will; training makes one. A version never changes: a newer one replaces it
// as a whole.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "worker/features/statistics.h"
#include "worker/version/model_definition.h"

namespace cairn::version {

// Thread safety: const. The rows are not here: shards hold them, and `step` says which are meant.
struct ModelVersion {
  std::shared_ptr<const ModelDefinition> definition;
  uint64_t step = 0;                // rows are read as they stand after this step
  features::Statistics statistics;  // of the features
  std::vector<float> parameters;    // the dense ones, flat, as definition->parameters says
};
using VersionPtr = std::shared_ptr<const ModelVersion>;

// The version that answers now. Whoever took one keeps it until done, whatever is published
// meanwhile. Thread safety: any thread, at once.
class CurrentVersion {
 public:
  VersionPtr get() const {
    const std::lock_guard lock(mutex_);
    return version_;
  }
  void publish(VersionPtr version) {
    {
      const std::lock_guard lock(mutex_);
      version_.swap(version);
    }  // the last holder of an old version frees it, and not under the lock
  }

 private:
  mutable std::mutex mutex_;  // guards version_
  VersionPtr version_;
};

}  // namespace cairn::version
