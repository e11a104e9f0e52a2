// Reads a block of a job file into an object, as the schema says.
#pragma once

#include <span>
#include <string>

#include "common/config/diagnostic.h"
#include "common/config/schema.h"
#include "common/config/yaml_tree.h"

namespace cairn {

// Reads `node` into `object`, whose keys are `keys`. Every problem of it goes to `diagnostics`;
// what a problem concerns keeps its default. `at` is where the block's key stands, and missing keys
// are reported. Keys that mean nothing here are reported, and end with their default.
void read_block(const YamlNode& node, const Position& at, std::span<const ConfigKey> keys,
                void* object, const std::string& path, Diagnostics& diagnostics);

}  // namespace cairn
