// Values of keys as the text of a job file.
#pragma once

#include <string>

#include "common/config/schema.h"

namespace cairn {

// A value on one line, as a job file may hold it: `0.05`, `[256, 128]`, `"a b"`. Of a block: empty.
std::string print_value(const ConfigKey& key, const FieldRef& field);

// Empty text, an empty list, an absent number: a job file shows such a value by leaving the key
// out.
bool is_empty(const FieldRef& field);

}  // namespace cairn
