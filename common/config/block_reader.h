// Reads a block of a job file into an object, as the schema says.
#pragma once

#include <span>
#include <string>

#include "common/config/diagnostic.h"
#include "common/config/schema.h"
#include "common/config/yaml_tree.h"

namespace cairn {

// Reads `node` into `object`, whose keys are `keys`. Every problem goes to `diagnostics`; a value
// with a problem keeps its default. `at` is the place of the block's key, where missing keys are
// reported. Keys that do not apply here are reported, and keep their default.
void read_block(const YamlNode& node, const Position& at, std::span<const ConfigKey> keys,
                void* object, const std::string& path, Diagnostics& diagnostics);

}  // namespace cairn
