// Where a worker's batches come from.
#pragma once

#include "common/result.h"
#include "worker/features/batch.h"

namespace cairn::data {

// One epoch of one worker. Thread safety: none; one thread at a time.
class BatchSource {
 public:
  virtual ~BatchSource() = default;

  // This worker's part of the next global batch. Has 0 samples, now and ever after, once all
  // readers of this worker have ended; other workers may still have some then. Errors: kBadData
  // where this worker alone has met more than data.max_bad_samples bad samples; those of
  // RecordStream::next.
  virtual Result<features::Batch> next() = 0;
};

}  // namespace cairn::data
