// The model over all rows of a data set, forward only: what evaluation and prediction share.
#pragma once

#include <functional>
#include <span>

#include "worker/training/session.h"
#include "worker/training/step_buffers.h"

namespace cairn::training {

// Calls `take` with every batch of this worker's rows and their predictions [rows, tasks]. Rows are
// read as they stand after `step`; nothing on the shards changes. Collective: every worker takes
// part, and an error of one is returned to all.
Status run_inference(Session& session, const data::Dataset& data, uint64_t step,
                     const std::function<void(const features::Batch& batch,
                                              std::span<const float> predictions)>& take);

}  // namespace cairn::training
