// Renamed keys of job files. The old name works for one more version, with a warning.
#pragma once

#include <span>
#include <string>

#include "common/config/diagnostic.h"
#include "common/config/schema.h"
#include "common/config/yaml_tree.h"

namespace cairn {

// Gives the keys of `node` and of its blocks their new names (ConfigKeyRules::formerly). `keys`
// describe them. Each renamed key adds one warning that names the new key. An old name beside the
// new one is an error in `diagnostics`, but for an override (--set) of the old name, which wins.
void rename_old_keys(YamlNode& node, std::span<const ConfigKey> keys, const std::string& path,
                     Diagnostics& warnings, Diagnostics& diagnostics);

}  // namespace cairn
