// Writes a version's predictions for a data set, as CSV.
#pragma once

#include <cstdint>
#include <filesystem>

#include "worker/evaluation/inference.h"

namespace cairn::evaluation {

// Collective. Worker 0 writes `file`, renamed into place when it is whole: a header
// `offset,<task>,...`, then one line per sample in the order of the input. `offset` is where the
// sample begins, in bytes, in the concatenation of the (decoded) input files. Bad samples have no
// line. Worker 0 holds all predictions in memory meanwhile. Errors: those of the input and the
// shards, kUnavailable where the file cannot be written. Returns the number of samples written.
Result<uint64_t> predict_samples(Inference& inference, const version::VersionPtr& version,
                                 const data::Dataset& data, const std::filesystem::path& file);

}  // namespace cairn::evaluation
