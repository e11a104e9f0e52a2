// Writes a model's predictions for a data set, as CSV.
#pragma once

#include <cstdint>

#include "worker/training/session.h"

namespace cairn::training {

// Collective. Worker 0 writes `options.predictions`, renamed into place when it is whole: a header
// `offset,<task>,...`, then a line a row in the order of the input, `offset` being where the row
// begins, in bytes, in the concatenation of the (decoded) input files. Bad rows have no line.
// Worker 0 holds all predictions in memory meanwhile. Errors: those of the input and the shards,
// kUnavailable where the file cannot be written. Returns the number of rows written.
Result<uint64_t> predict_samples(Session& session, uint64_t step);

}  // namespace cairn::training
