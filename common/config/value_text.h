// Values of keys as the text of a job file.
#pragma once

#include <string>

#include "common/config/schema.h"

namespace cairn {

// Prints a value on one line, as a job file may hold it: `0.05`, `[256, 128]`, `"a b"`. A block
// gives empty text.
std::string print_value(const ConfigKey& key, const FieldRef& field);

// Whether a value is empty text, an empty list or an absent number. A job file shows such a value
// by leaving the key out.
bool is_empty(const FieldRef& field);

}  // namespace cairn
