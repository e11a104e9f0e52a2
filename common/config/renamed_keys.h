// Keys of job files that have a new name: the old one goes on working for a version, with a
// warning.
#pragma once

#include <span>
#include <string>

#include "common/config/diagnostic.h"
#include "common/config/schema.h"
#include "common/config/yaml_tree.h"

namespace cairn {

// Gives keys of `node` and of the blocks in it, which `keys` describe, their new names
// (ConfigKeyRules::formerly). Each adds one warning that names the new key. An old name beside the
// new one is an error in `diagnostics`, but for an override (--set) of the old name, which wins.
void rename_old_keys(YamlNode& node, std::span<const ConfigKey> keys, const std::string& path,
                     Diagnostics& warnings, Diagnostics& diagnostics);

}  // namespace cairn
