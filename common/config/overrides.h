// `--set a.b.c=value`, applied to the tree of a job file before it is read.
#pragma once

#include <span>
#include <string>

#include "common/config/yaml_tree.h"

namespace cairn {

void apply_overrides(YamlNode& root, std::span<const std::string> overrides,
                     Diagnostics& diagnostics);

}  // namespace cairn
