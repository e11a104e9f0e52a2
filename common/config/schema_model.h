// The keys of a job file's `model` block.
#pragma once

#include <span>

#include "common/config/schema.h"

namespace cairn {

std::span<const ConfigKey> model_keys();

}  // namespace cairn
