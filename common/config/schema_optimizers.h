// The keys of optimizers in a job file, a part of the table in schema.cpp.
#pragma once

#include <span>

#include "common/config/schema.h"

namespace cairn {

std::span<const ConfigKey> dense_optimizer_keys();  // of a DenseOptimizerConfig
std::span<const ConfigKey> row_optimizer_keys();    // of a RowOptimizerConfig

}  // namespace cairn
