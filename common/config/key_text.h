// Keys in words, for diagnostics and the reference.
#pragma once

#include <string>

#include "common/config/schema.h"

namespace cairn {

// "integer", "list of text", "block", ...
std::string type_text(const ConfigKey& key);

// "1 to 1024", "csv, tsv, criteo", "above 0"; empty where any value of the type will do.
std::string allowed_text(const ConfigKey& key);

// "want an integer, 1 to 1024": the hint of a wrong value.
std::string wanted(const ConfigKey& key);

// The names of `keys`.
std::vector<std::string> names_of(std::span<const ConfigKey> keys);

}  // namespace cairn
