// Names of columns: which one was probably meant.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::data {

// The name with the smallest edit distance to `wanted`; empty if none is at all like it.
std::string nearest_column(std::string_view wanted, std::span<const std::string> names);

}  // namespace cairn::data
